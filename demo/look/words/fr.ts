import { countsIn } from './counts.ts';
import type { Words } from './words.ts';

const count = countsIn('fr', {
  token: ['token', 'tokens'],
  layer: ['couche', 'couches'],
  head: ['tête', 'têtes'],
});

export const fr: Words = {
  title: 'Voir à l’intérieur',
  introduction:
    'Saisissez un texte. Un modèle de langue le lit dans cette page, avec WebGPU : les tokens qu’il voit, où regarde chaque tête de chaque couche, ce qu’il dirait après chaque couche, et ce qui vient ensuite. Éteignez des têtes, orientez le modèle, et voyez la réponse changer. Ce que vous saisissez reste ici.',
  language: 'Langue',
  text: 'Texte',
  textLabel: 'Votre texte, en anglais pour le modèle de la page',
  tokens: 'Tokens',
  loading: 'Chargement',
  next: 'Le token suivant',
  temperature: 'Température',
  topP: 'Top-p',
  goesOn: 'La suite du texte',
  again: 'Tirer à nouveau',
  plain: 'Sans changement',
  time: 'Durée d’une passe',
  model: 'Modèle',
  loaded: 'Chargé en',
  adapter: 'Adaptateur',
  copyLink: 'Copier un lien vers ceci',
  showCode: 'Montrer le code de ceci',
  reset: 'Recommencer',
  changes: 'Changer ce qui se passe à l’intérieur',
  off: 'Têtes éteintes',
  noneOff: 'Aucune. Éteignez des têtes dans les images ci-dessous.',
  steering: 'Une direction ajoutée',
  scale: 'Orienter',
  direction: 'Direction',
  behindLayer: 'Après la couche',
  toward: 'Vers de tels textes, un par ligne',
  away: 'Loin de tels textes',
  steeringNote:
    'La moyenne du flux résiduel sur des textes d’une sorte, moins celle sur l’autre (Rimsky et al. 2023). Le curseur « Orienter », plus haut, l’ajoute.',
  heads: 'Où regarde chaque tête',
  circuit: 'Dire des mots deux fois',
  circuitNote:
    'Dites deux fois des mots au hasard : la tête 4 de la couche 4 regarde ce qui suivait le dernier mot la première fois, et le fait redire : une tête d’induction (Olsson et al. 2022). Elle lit ce qu’y laisse la tête 4 de la couche 3, qui regarde le token précédent. Éteignez l’une ou l’autre.',
  headsNote:
    'Chaque ligne d’une image est un token, et montre vers quels tokens jusqu’à lui la tête porte son attention : plus la couleur est forte, plus elle en porte. Choisissez une tête pour la voir en grand ; éteignez-la, et sa sortie vaut zéro. Les flèches passent d’une tête à l’autre, Suppr en éteint ou rallume une.',
  allHeads: 'Toutes les têtes',
  soon: 'Apparaît avec le premier texte.',
  lens: 'Ce qu’il dirait après chaque couche',
  lensNote:
    'La lentille des logits (nostalgebraist 2020) : la dernière norme et la couche de sortie lisent le flux résiduel après chaque couche. Chaque case contient le token qu’il y préfère comme suivant ; plus la couleur est forte, plus il en est sûr.',
  pair: 'Deux textes : à quoi tient la réponse',
  pairNote:
    'Le patching d’activations (Meng et al. 2022) : une activation du premier texte prend sa place pendant que le modèle lit le second, une couche et une position à la fois. 1 : la réponse devient celle du premier texte. Les deux textes doivent avoir autant de tokens. Le modèle est pris tel quel.',
  first: 'Le premier texte, ci-dessus',
  second: 'Le second texte',
  part: 'Ce qui est mis à la place',
  yourModel: 'Votre propre modèle',
  modelNote:
    'Un modèle de langue au format de Hugging Face : déposez son dossier sur cette page, choisissez-le, ou nommez-le. Une adresse le charge depuis Hugging Face dans le cache de votre navigateur.',
  address: 'Adresse',
  load: 'Charger',
  chooseFolder: 'Choisir un dossier …',
  embedded: 'Le modèle de cette page',
  folder: 'Le dossier d’un modèle',
  code: 'Le code de ceci',
  copy: 'Copier',
  close: 'Fermer',
  copied: 'Copié.',
  working: 'Lecture …',
  failed: 'Cela n’a pas marché',
  noGpu: 'WebGPU manque',
  lost: 'Le GPU a disparu',
  reopen: 'Changez le texte pour le rouvrir.',
  switchOff: 'Éteindre',
  switchOn: 'Rallumer',
  greedy: 'À la température 0, le token le plus probable est pris.',
  ownLists: 'Vos propres textes',
  mood: 'Du chagrin à la joie',
  gender: 'De « he » à « she »',
  speech: 'Du récit à la parole',
  wholeOutput: 'Le flux résiduel',
  attentionOutput: 'Ce qu’ajoute l’attention',
  feedForwardOutput: 'Ce qu’ajoute la couche feed-forward',
  beginning: 'avant la couche 1',
  mapHint:
    'Pointez une case, ou placez le focus sur la carte et utilisez les flèches, pour lire son poids.',
  gridHint: 'Pointez une case, ou utilisez les flèches, pour la lire.',
  notInLink: 'Copié. Le lien ne contient pas votre modèle : chargez-le avant d’ouvrir le lien.',
  append: 'Ajouter',
  translate: 'Traduire',
  train: 'Entraîner',
  see: 'Voir',
  hear: 'Entendre',
  look: 'Voir à l’intérieur',
  head: (layer, head) => `Couche ${layer}, tête ${head}`,
  layer: (layer) => `couche ${layer}`,
  axes: 'en lignes les tokens qui regardent, en colonnes ceux qu’ils regardent',
  mapLabel: (name) => `Poids d’attention : ${name}. Les flèches passent d’une case à l’autre.`,
  attends: (row, column, weight) => [row, ' regarde ', column, ' : ', weight],
  left: (left, read) =>
    `Seule la fin du texte est lue : ${count(read, 'token')}. Avant elle : ${count(left, 'token')}.`,
  nucleus: (kept) => `Le tirage se fait parmi ${count(kept, 'token')}.`,
  loadingBytes: (loaded, total) => `Chargement du modèle : ${loaded} sur ${total}`,
  facts: (layers, heads, width) =>
    `${count(layers, 'layer')}, ${count(heads, 'head')}, largeur ${width}`,
  lensCell: (layer, token) => `Après ${layer}, derrière ${token} : `,
  patchCell: (layer, token, value) => `${layer}, à ${token} : ${value}`,
  measured: (target, against) =>
    against === undefined
      ? `Mesuré : le logit de ${target}.`
      : `Mesuré : le logit de ${target} moins celui de ${against}.`,
  refusals: {
    empty: 'Saisissez un texte pour commencer.',
    lists: 'Il faut au moins un texte de chaque sorte pour orienter.',
    alike: 'Les deux sont pareils : il n’y a rien entre eux. Changez-en un.',
    notNumbers:
      'Le modèle donne des nombres qui n’en sont pas (NaN ou infinis). Orientez moins fort, ou rallumez des têtes.',
  },
  tooLarge: (size, most) =>
    `Ce modèle a ${size} de poids en 16 bits ; la page en ouvre jusqu’à ${most}. Choisissez-en un plus petit.`,
  lengths: (first, second) =>
    `Le premier texte a ${count(first, 'token')} et le second ${count(second, 'token')}. Il en faut autant : changez un mot.`,
};
