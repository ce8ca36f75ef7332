// Writes `blocks`, weights in blocks of SIZE with codes of BITS each; HEAD is what the weights of a block
// share: two halves, one float, or two (0, 1, 2). See weight-blocks.wgsl.
const STORED_CODES = SIZE * BITS / 32u;
const STORED_HEAD = max(HEAD, 1u);

// A word of a block's codes.
fn store_codes(block: u32, word: u32, codes: u32) {
  blocks[block * STORED_CODES + word] = codes;
}

fn store_scale(block: u32, scale: vec2f) {
  let all = arrayLength(&blocks) / (STORED_CODES + STORED_HEAD);
  let at = all * STORED_CODES + block * STORED_HEAD;
  if (HEAD == 0u) {
    blocks[at] = pack2x16float(scale);
    return;
  }
  blocks[at] = bitcast<u32>(scale.x);
  if (HEAD == 2u) {
    blocks[at + 1u] = bitcast<u32>(scale.y);
  }
}

// s and b as they will be read.
fn stored_scale(scale: vec2f) -> vec2f {
  return select(scale, unpack2x16float(pack2x16float(scale)), HEAD == 0u);
}

// Has all weights of a block be no number.
fn store_nan(block: u32) {
  let all = arrayLength(&blocks) / (STORED_CODES + STORED_HEAD);
  blocks[all * STORED_CODES + block * STORED_HEAD] = select(0x7fc00000u, 0x7e007e00u, HEAD == 0u);
}
