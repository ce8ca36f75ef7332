// What generation_config.json has for models that hear speech alone.

export const speechFields: readonly string[] = [
  'alignment_heads',
  'compression_ratio_threshold',
  'condition_on_prev_tokens',
  'forced_decoder_ids',
  'is_multilingual',
  'lang_to_id',
  'language',
  'logprob_threshold',
  'max_initial_timestamp_index',
  'no_speech_threshold',
  'no_timestamps_token_id',
  'prev_sot_token_id',
  'prompt_condition_type',
  'return_timestamps',
  'task',
  'task_to_id',
];
