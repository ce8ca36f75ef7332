// The settings of a generation, one word each, by their place in `rules` (rules.ts). Lengths are
// those of whole sequences, prompt included. NEVER stands for a length that does not come.
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
const NORMS = 27u;             // f32: (number of generated tokens) ^ length penalty, from 0 on

fn f32_rule(index: u32) -> f32 {
  return bitcast<f32>(rules[index]);
}
