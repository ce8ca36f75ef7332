// In a POSIX locale Chromium names a language that Intl refuses (en-US@posix). uPlot formats numbers in
// the visitor's language as it loads, so this comes before it.

try {
  Intl.getCanonicalLocales(navigator.language);
} catch {
  Object.defineProperty(navigator, 'language', { value: 'en-US' });
}
