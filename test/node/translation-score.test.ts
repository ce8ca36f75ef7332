// The embedded translator knows what is outside of its field: texts that nobody fitted it to.
import { expect, test, vi } from 'vitest';
import { pipeline } from 'webgpu-transformer';
import { drawPhrases } from '../../src/phrases/phrases.ts';
import { wideField } from '../../src/phrases/wide-field.ts';
import { fixtureSource } from '../support/source.ts';

vi.setConfig({ testTimeout: 120_000 });

/** Sentences, names and words as people type them, in languages that the model knows and others. */
const outside = [
  'The quick brown fox jumps over the lazy dog.',
  'Where is the next bus stop?',
  'I would like a cup of coffee, please.',
  'Our meeting was moved to another room',
  'Marie Curie',
  'New York City',
  'transformer',
  'To be, or not to be, that is the question.',
  'Can you help me with my homework?',
  'It rained all week.',
  'Der Zug nach Hamburg fährt von Gleis vier ab.',
  'Ich habe keine Ahnung, was du meinst.',
  'Übung macht den Meister',
  'Wie viel kostet das?',
  'Donaudampfschifffahrtsgesellschaft',
  'Je ne sais pas encore ce que je veux faire.',
  'Liberté, égalité, fraternité',
  'Où se trouve la gare ?',
  'Les enfants jouent dans le jardin.',
  'Il fait beau aujourd’hui',
  'Me gustaría reservar una mesa para dos.',
  'No hay mal que por bien no venga',
  '¿Cómo te llamas?',
  'La casa de mi abuela está en el campo.',
  'Nel mezzo del cammin di nostra vita',
  'Vorrei un bicchiere di vino rosso.',
  'Che bella giornata!',
  'Leonardo da Vinci',
  'O gato dorme em cima da mesa.',
  'Gostaria de falar com o gerente.',
  'Rio de Janeiro',
  '今天天气真好，我们去公园吧。',
  '请问洗手间在哪里？',
  '北京欢迎你',
  '吾輩は猫である。名前はまだ無い。',
  '駅はどこですか',
  'お元気ですか',
  'De trein is weer te laat.',
  'Jag förstår inte.',
  'Nie mam czasu na kawę.',
  'Быстрая лиса прыгает',
  'مرحبا بالعالم',
  'console.log("hello");',
  'SELECT * FROM users;',
  'lorem ipsum dolor sit amet',
  'asdf jkl qwertz',
  'https://example.com/index.html',
  'Dear Sir or Madam,',
  'the average of five numbers',
  'kilometers and kilograms and liters',
];

test('nineteen of twenty texts from outside are marked, and one of a hundred from inside', async () => {
  using translate = await pipeline('translation', fixtureSource('models/phrases'));
  const inside = drawPhrases(31, 1, wideField).filter((_, index) => index % 3 === 0);
  const phrases = [
    ...outside.flatMap((text) => ['en', 'fr'].map((to) => ({ text, to }))),
    ...inside,
  ];
  const scores = new Map<string, number>();
  for (const to of translate.languages) {
    const mine = phrases.filter((phrase) => phrase.to === to).map(({ text }) => text);
    const translations = await translate(mine, { to, score: true });
    for (const [i, text] of mine.entries()) scores.set(`${to} ${text}`, translations[i]!.score!);
  }
  const marked = (list: readonly { text: string; to: string }[]): number =>
    list.filter(({ text, to }) => scores.get(`${to} ${text}`)! < 0.5).length / list.length;
  expect(marked(phrases.slice(0, 2 * outside.length))).toBeGreaterThanOrEqual(0.95);
  // Of 112 phrases, two more than the hundredth that the score is fitted to may come by chance.
  expect(marked(inside)).toBeLessThanOrEqual(0.027);
});
