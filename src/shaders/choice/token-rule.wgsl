// What a generation's rules make of the score of one token, which has flags (rules.ts).
const BAD = 1u;               // may never come
const SUPPRESSED = 2u;        // the same, not even when it is forced
const SUPPRESSED_FIRST = 4u;  // may not come first
const END = 8u;
const FORCED_FIRST = 16u;
const FORCED_LAST = 32u;

// The rules in force for a sequence of a length.
struct Rule {
  hides: u32,   // flags of tokens that may not come
  forces: u32,  // flag of the only tokens that may; 0 where others may, too
  decay: f32,   // added to an end's score, as a part of its absolute value
}

fn rule_at(row: u32, length: u32) -> Rule {
  var rule = Rule(BAD | SUPPRESSED, 0u, 0.0);
  if (length < rule_word(row, MIN_LENGTH)) {
    rule.hides |= END;
  }
  if (length == rule_word(row, FIRST_LENGTH)) {
    rule.forces = FORCED_FIRST;
  }
  if (length == rule_word(row, LAST_LENGTH)) {
    rule.forces = FORCED_LAST;
  }
  // What is forced comes in spite of the rules before it; those that follow may hide it.
  if (rule.forces != 0u) {
    rule.hides = SUPPRESSED;
  }
  if (length == rule_word(row, BEGIN_LENGTH)) {
    rule.hides |= SUPPRESSED_FIRST;
  }
  let decays_from = rule_word(row, DECAY_LENGTH);
  if (length > decays_from) {
    rule.decay = power(rule_number(row, DECAY), length - decays_from) - 1.0;
  }
  return rule;
}

fn ruled(value: f32, flag: u32, rule: Rule) -> f32 {
  var is_hidden = value <= LOWEST;
  var score = select(value, 0.0, is_hidden);
  if (rule.forces != 0u) {
    is_hidden = (flag & rule.forces) == 0u;
    score = 0.0;
  }
  if ((flag & END) != 0u) {
    score += abs(score) * rule.decay;
  }
  return select(score, LOWEST, is_hidden || (flag & rule.hides) != 0u);
}

// base to the power of a whole number, at most 1e18. Squaring is exact to a few roundings; `pow` is not.
fn power(base: f32, exponent: u32) -> f32 {
  var result = 1.0;
  var square = base;
  for (var rest = exponent; rest > 0u; rest >>= 1u) {
    if ((rest & 1u) == 1u) {
      result = min(result * square, 1e18);
    }
    square = min(square * square, 1e18);
  }
  return result;
}
