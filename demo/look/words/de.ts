import { countsIn } from './counts.ts';
import type { Words } from './words.ts';

const count = countsIn('de', {
  token: ['Token', 'Tokens'],
  layer: ['Schicht', 'Schichten'],
  head: ['Kopf', 'Köpfe'],
});

export const de: Words = {
  title: 'Hineinsehen',
  introduction:
    'Geben Sie einen Text ein. Ein Sprachmodell liest ihn auf dieser Seite, mit WebGPU: welche Tokens es sieht, wohin jeder Kopf jeder Schicht blickt, was es nach jeder Schicht sagen würde, und was als Nächstes kommt. Schalten Sie Köpfe aus, steuern Sie, und sehen Sie, wie sich die Antwort ändert. Was Sie eingeben, bleibt hier.',
  language: 'Sprache',
  text: 'Text',
  textLabel: 'Ihr Text, für das Modell der Seite auf Englisch',
  tokens: 'Tokens',
  loading: 'Wird geladen',
  next: 'Das nächste Token',
  temperature: 'Temperatur',
  topP: 'Top-p',
  goesOn: 'Wie es weitergeht',
  again: 'Neu ziehen',
  plain: 'Ohne Änderungen',
  time: 'Dauer eines Durchlaufs',
  model: 'Modell',
  loaded: 'Geladen in',
  adapter: 'Adapter',
  copyLink: 'Link hierher kopieren',
  showCode: 'Code hierzu zeigen',
  reset: 'Neu beginnen',
  changes: 'Ändern, was im Innern geschieht',
  off: 'Ausgeschaltete Köpfe',
  noneOff: 'Keine. Schalten Sie Köpfe in den Bildern unten aus.',
  steering: 'Eine Richtung, die addiert wird',
  scale: 'Steuern',
  direction: 'Richtung',
  behindLayer: 'Hinter Schicht',
  toward: 'Hin zu solchen Texten, einer je Zeile',
  away: 'Weg von solchen Texten',
  steeringNote:
    'Der Mittelwert des Residualstroms über Texte der einen Art, weniger dem über die andere (Rimsky et al. 2023). Der Regler „Steuern“ weiter oben addiert ihn.',
  heads: 'Wohin jeder Kopf blickt',
  circuit: 'Wörter zweimal sagen',
  circuitNote:
    'Sagen Sie beliebige Wörter zweimal, und Kopf 4 der Schicht 4 schaut auf das, was beim ersten Mal hinter dem letzten Wort kam, und lässt es wieder sagen: ein Induktionskopf (Olsson et al. 2022). Er liest, was Kopf 4 der Schicht 3 dort hinterlässt, der auf das Token davor schaut. Schalten Sie einen von beiden aus.',
  headsNote:
    'Jede Zeile eines Bildes ist ein Token und zeigt, auf welche Tokens bis zu ihm der Kopf achtet: je kräftiger die Farbe, desto mehr. Wählen Sie einen Kopf, um ihn groß zu sehen; schalten Sie ihn aus, und seine Ausgabe ist null. Pfeiltasten gehen von Kopf zu Kopf, Entf schaltet einen aus und ein.',
  allHeads: 'Alle Köpfe',
  soon: 'Erscheint mit dem ersten Text.',
  lens: 'Was es nach jeder Schicht sagen würde',
  lensNote:
    'Die Logit-Linse (nostalgebraist 2020): Die letzte Norm und die Ausgabeschicht lesen den Residualstrom hinter jeder Schicht. In jeder Zelle steht das Token, das dort als nächstes am liebsten käme; je kräftiger die Farbe, desto sicherer.',
  pair: 'Zwei Texte: woran die Antwort hängt',
  pairNote:
    'Activation Patching (Meng et al. 2022): Eine Aktivierung des ersten Textes tritt an ihre Stelle, während das Modell den zweiten liest, eine Schicht und eine Position auf einmal. 1: Die Antwort wird die des ersten Textes. Beide brauchen gleich viele Tokens. Das Modell bleibt dabei, wie es ist.',
  first: 'Der erste Text, von oben',
  second: 'Der zweite Text',
  part: 'Was eingesetzt wird',
  yourModel: 'Ein Modell von Ihnen',
  modelNote:
    'Ein Sprachmodell, wie Hugging Face es ablegt: Ziehen Sie seinen Ordner auf diese Seite, wählen oder nennen Sie ihn. Eine Adresse lädt es von Hugging Face in den Cache Ihres Browsers.',
  address: 'Adresse',
  load: 'Laden',
  chooseFolder: 'Ordner wählen …',
  embedded: 'Das Modell dieser Seite',
  folder: 'Der Ordner eines Modells',
  code: 'Der Code hierzu',
  copy: 'Kopieren',
  close: 'Schließen',
  copied: 'Kopiert.',
  working: 'Liest …',
  failed: 'Das ging nicht',
  noGpu: 'WebGPU fehlt',
  lost: 'Die GPU ist weg',
  reopen: 'Ändern Sie den Text, um sie neu zu öffnen.',
  switchOff: 'Ausschalten',
  switchOn: 'Einschalten',
  greedy: 'Bei Temperatur 0 wird das wahrscheinlichste Token genommen.',
  ownLists: 'Eigene Texte',
  mood: 'Vom Kummer zur Freude',
  gender: 'Von „he“ zu „she“',
  speech: 'Vom Erzählen zum Reden',
  wholeOutput: 'Der Residualstrom',
  attentionOutput: 'Was die Aufmerksamkeit addiert',
  feedForwardOutput: 'Was die Feed-forward-Schicht addiert',
  beginning: 'vor Schicht 1',
  mapHint:
    'Zeigen Sie auf eine Zelle, oder fokussieren Sie die Karte und nehmen Sie die Pfeiltasten, um ihr Gewicht zu lesen.',
  gridHint: 'Zeigen Sie auf eine Zelle, oder nehmen Sie die Pfeiltasten, um sie zu lesen.',
  notInLink: 'Kopiert. Der Link enthält Ihr Modell nicht: Laden Sie es, bevor Sie ihn öffnen.',
  append: 'Anhängen:',
  translate: 'Übersetzen',
  train: 'Trainieren',
  see: 'Sehen',
  hear: 'Hören',
  look: 'Hineinsehen',
  head: (layer, head) => `Schicht ${layer}, Kopf ${head}`,
  layer: (layer) => `Schicht ${layer}`,
  axes: 'die Tokens, die blicken, in Zeilen, und die, auf die sie blicken, in Spalten',
  mapLabel: (name) => `Gewichte der Aufmerksamkeit: ${name}. Pfeiltasten gehen von Zelle zu Zelle.`,
  attends: (row, column, weight) => [row, ' achtet auf ', column, ': ', weight],
  left: (left, read) =>
    `Gelesen wird nur das Ende des Textes: ${count(read, 'token')}. Davor: ${count(left, 'token')}.`,
  nucleus: (kept) => `Zu ziehen bleiben: ${count(kept, 'token')}.`,
  loadingBytes: (loaded, total) => `Das Modell wird geladen: ${loaded} von ${total}`,
  facts: (layers, heads, width) =>
    `${count(layers, 'layer')}, ${count(heads, 'head')}, Breite ${width}`,
  lensCell: (layer, token) => `Nach ${layer}, hinter ${token}: `,
  patchCell: (layer, token, value) => `${layer}, bei ${token}: ${value}`,
  measured: (target, against) =>
    against === undefined
      ? `Gemessen: das Logit von ${target}.`
      : `Gemessen: das Logit von ${target} weniger dem von ${against}.`,
  refusals: {
    empty: 'Geben Sie einen Text ein.',
    lists: 'Zum Steuern braucht es von jeder Art mindestens einen Text.',
    alike: 'Beide sind gleich: Es liegt nichts zwischen ihnen. Ändern Sie einen.',
    notNumbers:
      'Das Modell gibt Zahlen, die keine sind (NaN oder unendlich). Steuern Sie schwächer, oder schalten Sie Köpfe wieder ein.',
  },
  tooLarge: (size, most) =>
    `Dieses Modell hat ${size} Gewichte in 16 Bit; die Seite öffnet Modelle bis ${most}. Wählen Sie ein kleineres.`,
  lengths: (first, second) =>
    `Der erste Text hat ${count(first, 'token')}, der zweite ${count(second, 'token')}. Es müssen gleich viele sein: Ändern Sie ein Wort.`,
};
