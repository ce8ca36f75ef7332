// The embedded translator: known phrases, in both platforms, one by one, in batches and as streams.
import { expect, test } from 'vitest';
import { pipeline } from 'webgpu-transformer';
import { testGpus, withGpu } from '../support/gpu.ts';
import { fixtureSource } from '../support/source.ts';

const [{ options: usual } = { options: {} }] = await testGpus();
const known = [
  ['Saturday, November 21, 2026', 'de', 'Samstag, 21. November 2026'],
  ['Saturday, November 21, 2026', 'fr', 'samedi 21 novembre 2026'],
  ['Saturday, November 21, 2026', 'zh', '2026年11月21日星期六'],
  ['2026年11月21日星期六', 'en', 'Saturday, November 21, 2026'],
  ['vor 3 Wochen', 'fr', 'il y a 3 semaines'],
  ['dans 12 minutes', 'zh', '12分钟后'],
  ['42 Kilogramm', 'en', '42 kilograms'],
  ['3 kilometers per hour', 'fr', '3 kilomètres par heure'],
  ['tra 2 trimestri', 'ja', '2 四半期後'],
  ['12,50 euros', 'pt', '12,50 Euros'],
  ['12.5%', 'es', '12,5 %'],
  ['7,5 kilomètres', 'de', '7,5 Kilometer'],
] as const;

test('known phrases, alone and piece by piece', () =>
  withGpu(usual, async (gpu) => {
    using translate = await pipeline('translation', fixtureSource('models/phrases'), { gpu });
    expect(translate.languages).toEqual(['de', 'en', 'es', 'fr', 'it', 'ja', 'pt', 'zh']);
    for (const [text, to, wanted] of known) {
      expect(await translate(text, { to })).toEqual([{ translationText: wanted }]);
      const pieces: string[] = [];
      for await (const piece of translate.stream(text, { to })) pieces.push(piece);
      expect(pieces.join('')).toBe(wanted);
      expect(pieces).toHaveLength(translate.tokenizer.encode(wanted).length - 1);
      expect(pieces).not.toContain('');
    }
  }));

test('more phrases than one batch holds, in order', () =>
  withGpu(usual, async (gpu) => {
    using translate = await pipeline('translation', fixtureSource('models/phrases'), { gpu });
    const days = Array.from({ length: 19 }, (_, i) => i + 3);
    const texts = days.map((day) => `in ${day} days`);
    const translations = await translate(texts, { to: 'fr' });
    expect(translations).toEqual(days.map((day) => ({ translationText: `dans ${day} jours` })));
    const [cut] = await translate(texts, { to: 'fr', maxNewTokens: 4 });
    expect(cut).toEqual({ translationText: 'dans' });
  }));

test('spaces that Intl writes count as plain ones, and what is outside of the field is named', () =>
  withGpu(usual, async (gpu) => {
    using translate = await pipeline('translation', fixtureSource('models/phrases'), { gpu });
    const plain = translate.encode('8:05 PM 1 000', { to: 'de' });
    expect(translate.encode('8:05\u202fPM\u00a01\u2009000', { to: 'de' })).toEqual(plain);
    expect(translate.unknownParts('in 3 weeks')).toEqual([]);
    expect(translate.unknownParts('5 µm ≥ 4 µm')).toEqual(['µ', '≥']);
  }));
