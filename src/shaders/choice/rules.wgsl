// The settings of a generation, one word each, by their place in a row of `rules` (rules.ts): every
// sequence has its own. Lengths are those of whole sequences, prompt included. NEVER stands for a length
// that does not come.
const NEVER = 0xffffffffu;
const SEED = 0u;
const PROMPT_LENGTH = 1u;
const SOURCE_LENGTH = 2u;
const MIN_LENGTH = 3u;    // shorter sequences may not end
const BEGIN_LENGTH = 4u;  // of sequences whose next token is the first that may not be SUPPRESSED_FIRST
const FIRST_LENGTH = 5u;  // of sequences whose next token is forced
const LAST_LENGTH = 6u;   // the same for the last token
const DECAY_LENGTH = 7u;  // longer sequences are drawn to their end
const DECAY = 8u;         // f32: by this factor for every token
const TEMPERATURE = 9u;   // f32
const TOP_K = 10u;
const TOP_P = 11u;           // f32
const MIN_P = 12u;           // f32
const TYPICAL_P = 13u;       // f32
const EPSILON_CUTOFF = 14u;  // f32
const ETA_CUTOFF = 15u;      // f32
const KEPT = 16u;            // tokens that no cutoff hides
const PENALTY = 17u;         // f32: repetition penalty
const PRESENCE = 18u;        // f32
const FREQUENCY = 19u;       // f32
const NGRAM = 20u;           // tokens of a sequence that may not come twice; 0 for none
const SOURCE_PENALTY = 21u;  // f32
const SOURCE_NGRAM = 22u;
const PAD_TOKEN = 23u;
const STOPS_EARLY = 24u;       // 1: an item is done as soon as it has as many hypotheses as beams
const ATTAINABLE_LENGTH = 25u; // generated tokens of the best continuation; NEVER: as many as now
const MAX_LENGTH = 26u;        // sequences of beams end at this length
const PADDING = 27u;           // tokens of padding in front of the prompt
const DRAWS = 28u;             // 1: tokens are drawn; 0: the best ones
const STREAM = 29u;            // tells the draws of sequences with one seed apart
const FLAG_SET = 30u;          // row of `flags`
const SEQUENCES = 31u;         // where the biased sequences begin in `sequences`
const TARGETS = 32u;           // how many tokens complete one of them
const TIMESTAMP_BEGIN = 33u;    // first token that is a time stamp; NEVER: none is
const INITIAL_TIMESTAMPS = 34u; // first token behind those that a sequence may begin with
const END_TOKEN = 35u;          // behind the first of a pair: tokens before it may not come
const RULE_WORDS = 36u;

fn rule_word(row: u32, index: u32) -> u32 {
  return rules[row * RULE_WORDS + index];
}

fn rule_number(row: u32, index: u32) -> f32 {
  return bitcast<f32>(rule_word(row, index));
}
