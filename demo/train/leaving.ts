// A question before a page is left whose training is saved nowhere.

/** Has the browser ask from now on, or no longer. */
export function askBeforeLeaving(isAsked: boolean): void {
  if (isAsked) addEventListener('beforeunload', ask);
  else removeEventListener('beforeunload', ask);
}

function ask(event: Event): void {
  event.preventDefault();
}
