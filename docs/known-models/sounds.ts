// Models that hear that people know: typed in by hand on 2026-11-29.

import {
  bartSizes,
  encoderSizes,
  type Fields,
  generates,
  type KnownModel,
  labels,
  of,
} from './fields.ts';

const whisper = (
  name: string,
  [size, layers, heads]: readonly [number, number, number],
  vocabulary: number,
): KnownModel => ({
  name: `openai/whisper-${name}`,
  config: of(
    'whisper',
    `Whisper${generates}`,
    bartSizes(size, [layers, layers], heads, vocabulary),
    {
      num_mel_bins: 80,
      max_source_positions: 1500,
      max_target_positions: 448,
      bos_token_id: vocabulary - 1,
      eos_token_id: 50256,
      pad_token_id: 50256,
    },
  ),
  more: { 'model.encoder.embed_positions.weight': [1500, size] },
});
const speechEncoder = (size: number, layers: number, heads: number): Fields => ({
  ...encoderSizes(size, layers, heads, 32),
  conv_dim: [512, 512, 512, 512, 512, 512, 512],
  conv_kernel: [10, 3, 3, 3, 3, 2, 2],
  conv_stride: [5, 2, 2, 2, 2, 2, 2],
  num_conv_pos_embeddings: 128,
  num_conv_pos_embedding_groups: 16,
});

/** By task. */
export const sounds: Readonly<Record<string, readonly KnownModel[]>> = {
  'automatic-speech-recognition': [
    ...(
      [
        ['tiny', [384, 4, 6]],
        ['base', [512, 6, 8]],
        ['small', [768, 12, 12]],
      ] as const
    ).flatMap(([name, sizes]) => [
      whisper(name, sizes, 51865),
      whisper(`${name}.en`, sizes, 51864),
    ]),
    ...(
      [
        ['tiny', 288, 6],
        ['base', 416, 8],
      ] as const
    ).map(([name, size, layers]) => ({
      name: `UsefulSensors/moonshine-${name}`,
      config: of('moonshine', `Moonshine${generates}`, {
        hidden_size: size,
        intermediate_size: 4 * size,
        encoder_num_hidden_layers: layers,
        decoder_num_hidden_layers: layers,
        encoder_num_attention_heads: 8,
        decoder_num_attention_heads: 8,
        vocab_size: 32768,
        max_position_embeddings: 194,
        tie_word_embeddings: true,
      }),
    })),
    {
      name: 'facebook/wav2vec2-base-960h',
      config: of('wav2vec2', 'Wav2Vec2ForCTC', speechEncoder(768, 12, 12)),
    },
    {
      name: 'facebook/hubert-large-ls960-ft',
      config: of('hubert', 'HubertForCTC', speechEncoder(1024, 24, 16), {
        feat_extract_norm: 'layer',
        do_stable_layer_norm: true,
        conv_bias: true,
      }),
    },
  ],
  'audio-classification': [
    {
      name: 'superb/wav2vec2-base-superb-ks',
      config: of('wav2vec2', 'Wav2Vec2ForSequenceClassification', speechEncoder(768, 12, 12), {
        use_weighted_layer_sum: true,
        ...labels(12),
      }),
    },
    {
      name: 'superb/hubert-base-superb-er',
      config: of('hubert', 'HubertForSequenceClassification', speechEncoder(768, 12, 12), {
        use_weighted_layer_sum: true,
        ...labels(4),
      }),
    },
  ],
};
