// The classes of SentencePiece's vocabularies, which mark spaces: XLM-R, CamemBERT, T5, Llama, Gemma.

import type { JsonObject } from '../source/json.ts';
import {
  begun,
  charsmap,
  framedTokens,
  mark,
  metaspace,
  plainTemplate,
  spaceDecoder,
  special,
  template,
  textA,
  textB,
  type TokenizerClass,
  unigramId,
  vocabularyOf,
} from './class-parts.ts';
import { tokenText } from './specials.ts';

export const xlmRoberta: TokenizerClass = {
  model: 'Unigram',
  defaults: { ...framedTokens, mask_token: '<mask>' },
  build: (config, { model, normalizer }, id) => {
    const prefixed = config['add_prefix_space'] ?? true;
    const spaces = metaspace(prefixed === true ? 'always' : 'never');
    const [bos, eos] = [special(...id('bos')), special(...id('eos'))];
    return {
      normalizer: charsmap(normalizer),
      pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'WhitespaceSplit' }, spaces] },
      decoder: spaces,
      post_processor: template([bos, textA, eos], [bos, textA, eos, eos, textB, eos]),
      model: { ...vocabularyOf(model), unk_id: 3, byte_fallback: false },
    };
  },
};

export const camembert: TokenizerClass = {
  ...xlmRoberta,
  extra: () => ['<s>NOTUSED', '</s>NOTUSED', '<unk>NOTUSED'],
  defaults: { ...framedTokens, mask_token: { content: '<mask>', lstrip: true, special: true } },
  build: (config, parts, id) => {
    const { model, ...rest } = xlmRoberta.build(config, parts, id);
    const unknown = unigramId(parts.model['vocab'], tokenText(config['unk_token']));
    return { ...rest, model: { ...(model as JsonObject), unk_id: unknown ?? 0 } };
  },
};

export const t5: TokenizerClass = {
  model: 'Unigram',
  extra: ({ extra_ids: count }) =>
    Array.from({ length: Number(count ?? 100) }, (_, i) => `<extra_id_${i}>`),
  defaults: { eos_token: '</s>', unk_token: '<unk>', pad_token: '<pad>' },
  build: (_, { model, normalizer }, id) => {
    const spaces = metaspace('always');
    const eos = special('</s>', id('eos')[1]);
    return {
      normalizer: charsmap(normalizer),
      pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'WhitespaceSplit' }, spaces] },
      decoder: spaces,
      post_processor: template([textA, eos], [textA, eos, textB, eos]),
      model: { ...vocabularyOf(model), unk_id: 2, byte_fallback: false },
    };
  },
};

export const llama: TokenizerClass = {
  model: 'BPE',
  defaults: { bos_token: '<s>', eos_token: '</s>', unk_token: '<unk>', padding_side: 'left' },
  build: (config, { model, postProcessor }) => {
    const prefixed = (config['add_prefix_space'] ?? true) === true;
    const legacy = config['legacy'] === true;
    return {
      normalizer: null,
      pre_tokenizer: {
        ...metaspace(prefixed ? (legacy ? 'always' : 'first') : 'never'),
        split: false,
      },
      decoder: spaceDecoder(prefixed),
      post_processor: postProcessor ?? plainTemplate,
      model: { ...vocabularyOf(model), fuse_unk: true, byte_fallback: true, unk_token: null },
    };
  },
};

export const codeLlama: TokenizerClass = {
  ...llama,
  defaults: {
    ...llama.defaults,
    prefix_token: '\u2581<PRE>',
    middle_token: '\u2581<MID>',
    suffix_token: '\u2581<SUF>',
    eot_token: '\u2581<EOT>',
    fill_token: '<FILL_ME>',
  },
  build: (config, parts, id) => {
    const { model, ...rest } = llama.build({ ...config, legacy: false }, parts, id);
    return {
      ...rest,
      decoder: spaceDecoder(true),
      post_processor: begun(id('bos')),
      model: { ...(model as JsonObject), unk_token: tokenText(config['unk_token']) },
    };
  },
};

export const gemma: TokenizerClass = {
  model: 'BPE',
  defaults: {
    unk_token: '<unk>',
    bos_token: '<bos>',
    eos_token: '<eos>',
    pad_token: '<pad>',
    mask_token: '<mask>',
    padding_side: 'left',
  },
  build: (config, { model, postProcessor }) => ({
    normalizer: { type: 'Replace', pattern: { String: ' ' }, content: mark },
    pre_tokenizer: {
      type: 'Split',
      pattern: { String: ' ' },
      behavior: 'MergedWithPrevious',
      invert: false,
    },
    decoder: spaceDecoder(false),
    post_processor: postProcessor ?? plainTemplate,
    model: {
      ...vocabularyOf(model),
      fuse_unk: true,
      byte_fallback: true,
      unk_token: tokenText(config['unk_token']),
    },
  }),
};
