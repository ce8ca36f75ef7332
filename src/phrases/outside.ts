// Texts that are no phrases of the field, so that a translator learns to say so: sentences of common words, names of
// places and languages, words of the field in no order, numbers that mean nothing it knows, and made-up words.

import type { Random } from '../model/random.ts';
import type { JsonObject } from '../source/json.ts';
import { type Language, plain, numberFormat } from './formats.ts';
import { allLanguages, measureUnits } from './wide-field.ts';

/** What a translator answers to a text outside of its field, as a token of its own. */
export const outsideToken = '<outside>';

/** What config.json says of that token, which has this id; -1 where a vocabulary has none. */
export function outsideSettings(id: number): JsonObject {
  return id < 0 ? {} : { outside_token_id: id };
}

/** A text of some language, or of none. */
export function drawOutside(random: Random): string {
  const language = random.pick(allLanguages);
  return plain(random.pick(draws)(random, language));
}

const draws: readonly ((random: Random, language: Language) => string)[] = [
  (random, language) =>
    sentence(random, withNumbers(random, words[language]), language, random.integer(2, 9)),
  (random, language) => sentence(random, words[language], language, random.integer(1, 6)),
  (random, language) => sentence(random, names(language), language, random.integer(1, 3)),
  (random, language) => {
    const among = [...words[language], ...names(language), ...fieldWords(language)];
    return sentence(random, among, language, random.integer(2, 7));
  },
  (random, language) => sentence(random, fieldWords(language), language, random.integer(2, 5)),
  (random) => madeUpWords(random),
  (random) => digitsWithMarks(random),
];

/** Some words, and a few numbers beside them. Alone, or with a word of the field, a number could be a phrase. */
function withNumbers(random: Random, list: readonly string[]): readonly string[] {
  const count = Math.ceil(list.length / 12);
  return [...list, ...Array.from({ length: count }, () => String(random.integer(0, 2100)))];
}

/** Some words in a row, with a capital and a mark now and then. */
function sentence(
  random: Random,
  among: readonly string[],
  language: Language,
  length: number,
): string {
  const drawn = Array.from({ length }, () => random.pick(among));
  const space = language === 'zh' || language === 'ja' ? '' : ' ';
  let text = drawn.join(random.integer(1, 6) === 1 && space !== '' ? ', ' : space);
  // A single word or two of the field could be a phrase of it; a mark behind it makes it none.
  if (length < 3 && among === fieldWords(language)) text += random.pick(['?', '!', ' ...']);
  if (random.integer(0, 1) === 1) text = text.charAt(0).toLocaleUpperCase(language) + text.slice(1);
  const wide = space === '' ? ['。', '？', '！'] : ['.', '?', '!'];
  return random.integer(0, 1) === 1 ? text + random.pick(wide) : text;
}

/** Letters in a row, as on a keyboard that a cat walked over. */
function madeUpWords(random: Random): string {
  const word = (): string =>
    Array.from({ length: random.integer(2, 10) }, () =>
      String.fromCodePoint(0x61 + random.integer(0, 25)),
    ).join('');
  return Array.from({ length: random.integer(1, 4) }, word).join(' ');
}

/** Telephone numbers, addresses of machines, versions, sums. */
function digitsWithMarks(random: Random): string {
  const marks = random.pick(['-', '.', ':', '/', ' ', '+', '=', '#', '@', '_', '*']);
  const parts = Array.from({ length: random.integer(4, 7) }, () =>
    String(random.integer(0, 10 ** random.integer(1, 4) - 1)),
  );
  return random.pick(['', '+', '(', '#']) + parts.join(marks);
}

const namesOf = new Map<Language, readonly string[]>();

/** Places, languages and scripts, by their names in a language. */
function names(language: Language): readonly string[] {
  const known = namesOf.get(language);
  if (known !== undefined) return known;
  const codes = {
    region: 'AR AT AU BE BR CA CH CL CN CO CU CZ DE DK EG ES FI FR GB GR HU IE IN IS IT JP KE KR',
    language: 'ar cs da el fa fi he hi hu id ko la nl no pl ru sv sw th tr uk vi zu eo is ga eu',
    script: 'Arab Armn Cyrl Deva Grek Hebr Jpan Kore Latn Thai Tibt Geor Ethi Beng Taml',
  };
  const made = Object.entries(codes).flatMap(([type, list]) => {
    const display = new Intl.DisplayNames(language, { type: type as Intl.DisplayNamesType });
    return list.split(' ').map((code) => display.of(code) ?? code);
  });
  namesOf.set(language, made);
  return made;
}

const fieldWordsOf = new Map<Language, readonly string[]>();

/** The words of units, without numbers. */
function fieldWords(language: Language): readonly string[] {
  const known = fieldWordsOf.get(language);
  if (known !== undefined) return known;
  const made = measureUnits.map((unit) =>
    numberFormat(language, { style: 'unit', unit, unitDisplay: 'long' })
      .format(5)
      .replaceAll(/[\d\s]+/g, ' ')
      .trim(),
  );
  fieldWordsOf.set(language, made);
  return made;
}

/** Common words; in Chinese and Japanese parts of sentences. */
const words: Readonly<Record<Language, readonly string[]>> = {
  de: (
    'ich du er sie wir ihr das die der ein eine nicht und oder aber wenn weil mit ohne für gegen ist war sind haben ' +
    'hat wird kann muss will soll geht kommt sieht macht weiß glaubt Haus Hund Katze Mann Frau Kind Stadt Land Buch ' +
    'Wasser Brot Liebe Arbeit Schule Freund Straße Baum Hand Auge Herz Welt Frage Antwort gut schlecht groß klein ' +
    'neu alt schön heute morgen hier dort wo wie was warum danke bitte hallo Entschuldigung Leben Zeitung Fenster'
  ).split(' '),
  en: (
    'I you he she we they the a an not and or but if because with without for against is was are have has will can ' +
    'must should go come see make know think house dog cat man woman child city country book water bread love work ' +
    'school friend street tree hand eye heart world question answer good bad big small new old beautiful today here ' +
    'there where how what why thanks please hello sorry life newspaper window weather music computer translate'
  ).split(' '),
  es: (
    'yo tú él ella nosotros ellos el la los las un una no y o pero si porque con sin para contra es era son tengo ' +
    'tiene será puede debe quiere va viene ve hace sabe cree casa perro gato hombre mujer niño ciudad país libro ' +
    'agua pan amor trabajo escuela amigo calle árbol mano ojo corazón mundo pregunta respuesta bueno malo grande ' +
    'pequeño nuevo viejo hermoso aquí allí dónde cómo qué por gracias hola perdón vida ventana música tiempo'
  ).split(' '),
  fr: (
    'je tu il elle nous vous ils le la les un une ne pas et ou mais si parce que avec sans pour contre est était sont ' +
    'ai a sera peut doit veut va vient voit fait sait croit maison chien chat homme femme enfant ville pays livre eau ' +
    'pain amour travail école ami rue arbre main œil cœur monde question réponse bon mauvais grand petit nouveau vieux ' +
    'beau ici là où comment quoi pourquoi merci bonjour pardon vie journal fenêtre musique temps ordinateur'
  ).split(' '),
  it: (
    'io tu lui lei noi voi loro il la i le un una non e o ma se perché con senza per contro è era sono ho ha sarà può ' +
    'deve vuole va viene vede fa sa crede casa cane gatto uomo donna bambino città paese libro acqua pane amore lavoro ' +
    'scuola amico strada albero mano occhio cuore mondo domanda risposta buono cattivo grande piccolo nuovo vecchio ' +
    'bello qui là dove come cosa grazie prego ciao scusa vita giornale finestra musica tempo'
  ).split(' '),
  pt: (
    'eu tu ele ela nós eles o a os as um uma não e ou mas se porque com sem para contra é era são tenho tem será pode ' +
    'deve quer vai vem vê faz sabe acha casa cão gato homem mulher criança cidade país livro água pão amor trabalho ' +
    'escola amigo rua árvore mão olho coração mundo pergunta resposta bom mau grande pequeno novo velho bonito aqui ' +
    'ali onde como que obrigado olá desculpe vida jornal janela música tempo'
  ).split(' '),
  ja: (
    '私は あなたの 彼が 猫を 犬が 学校に 本を 読みます 食べました 行きたい です ではありません そして しかし とても きれいな 大きい 小さい ' +
    '新しい 友達と 駅まで 電車で 仕事を しています ありがとう こんにちは すみません 天気が いいですね 何を どこに なぜ 質問 答え 世界 ' +
    '人生 音楽 窓を 開けてください わかりません 東京に 住んでいます'
  ).split(' '),
  zh: (
    '我 你 他 她 我们 是 不是 的 了 在 有 没有 很 喜欢 吃 喝 去 来 看 说 知道 觉得 因为 所以 但是 如果 和 朋友 学校 老师 书 水 饭 猫 狗 ' +
    '房子 城市 国家 工作 爱 世界 问题 答案 好 坏 大 小 新 旧 漂亮 这里 那里 什么 为什么 怎么 谢谢 你好 对不起 生活 音乐 电脑 天气 今天天气'
  ).split(' '),
};
