// What two hearings of a growing sound agree on ("Turning Whisper into Real-Time Transcription System", Macháček, Dabre
// and Bojar, 2023, §3.1: LocalAgreement-2).

const segmenter = new Intl.Segmenter(undefined, { granularity: 'word' });

/** The text up to the last word that both begin with. */
export function agreement(before: string, now: string): string {
  const [old, own] = [wordsOf(before), wordsOf(now)];
  const other = own.findIndex((word, i) => word !== old[i]);
  return own.slice(0, other < 0 ? own.length : other).join('');
}

function wordsOf(text: string): string[] {
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}
