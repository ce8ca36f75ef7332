// Codes as quantised files pack them into blocks, one invocation a block. A word has its first code in its
// lowest bits. Rows of blocks are the outputs of a product; the files' words lie along rows or across them.
struct Params {
  first: u32,       // the row of the file's matrix that comes first
  count: u32,
  place: u32,       // the row of `blocks` that it becomes
  columns: u32,
  stride: u32,      // codes from one row to the next; where words lie across, from one column to the next
  row_blocks: u32,
  shared_size: u32,  // elements that each s of `shared_by` is for: as many as a block has, or several blocks
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> packed: array<u32>;
@group(0) @binding(2) var<storage, read> shared_by: array<f32>;  // s and b of every block of the file, or s
@group(0) @binding(3) var<storage, read> order: array<u32>;  // which column of the file each one is
@group(0) @binding(4) var<storage, read_write> blocks: array<u32>;

const ALONG = 0u;
const ACROSS = 1u;     // down the columns
const INTERLEAVED = 2u;  // along the columns' rows, eight with the even ones first
const IN_WORD = 32u / PACKED;
const ALL = select((1u << PACKED) - 1u, 255u, PACKED == 8u);

fn word_code(word: u32, place: u32) -> u32 {
  return (packed[word] >> (place * PACKED)) & ALL;
}

fn code_from(row: u32, column: u32) -> u32 {
  if (LAYOUT == ACROSS) {
    return word_code((column / IN_WORD) * params.stride + row, column % IN_WORD);
  }
  if (LAYOUT == INTERLEAVED) {
    let at = column * params.stride + row;
    return word_code(at / 8u, (row % 8u) / 2u + 4u * (row % 2u));
  }
  let at = row * params.stride + column;
  return word_code(at / IN_WORD, (at % IN_WORD) ^ SWAP);
}

@compute @workgroup_size(64)
fn repack(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.count * params.row_blocks) {
    return;
  }
  let row = params.first + i / params.row_blocks;
  let column = SIZE * (i % params.row_blocks);
  let size = min(SIZE, params.columns - column);
  let shared_blocks = (params.columns + params.shared_size - 1u) / params.shared_size;
  let head = row * shared_blocks + column / params.shared_size;
  let block = params.place * params.row_blocks + i;
  var is_number = true;
  for (var word = 0u; word < SIZE * BITS / 32u; word += 1u) {
    var codes = 0u;
    for (var k = 0u; k < 32u / BITS; k += 1u) {
      let at = word * (32u / BITS) + k;
      if (at < size) {
        let code = code_from(row, order[column + at]) ^ FLIP;
        // Floats of 8 bits are the only such codes with s alone.
        is_number &= HEAD != 1u || BITS != 8u || (code & 127u) != 127u;
        codes |= code << (k * BITS);
      }
    }
    store_codes(block, word, codes);
  }
  if (!is_number) {
    store_nan(block);
  } else if (HEAD == 1u) {
    store_scale(block, vec2f(shared_by[head], 0.0));
  } else {
    store_scale(block, vec2f(shared_by[2u * head], shared_by[2u * head + 1u]));
  }
}
