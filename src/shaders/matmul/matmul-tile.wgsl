// Matrix product for GPUs: a workgroup computes a TILE × TILE block of y, a thread THREAD × THREAD of it in
// registers. W and x come in pieces of 16 depths, four neighbours a load, in blocks of 4 × 4 that are
// turned on their way: workgroup memory holds them depth after depth, whatever their layout is in `weight`
// and `x`. The blocks of the next piece are fetched while this one is multiplied. FULL: columns and depth
// end with a tile. SPLITS > 1: as many workgroups share the depth, and write results of their own.

const THREAD = select(8u, 4u, TILE == 32u);
const SIDE = TILE / THREAD;     // threads along each side of the tile
const THREADS = SIDE * SIDE;
const DEPTH = 16u;
const WIDE = TILE / 4u;         // vectors along each side of the tile
const BLOCKS = WIDE * DEPTH / 4u;  // of 4 × 4, in a piece of x or W

var<workgroup> pieces: array<vec4f, 2u * DEPTH * WIDE>;  // of x and of W: (2, DEPTH, TILE)

@compute @workgroup_size(THREADS)
fn matmul_tile(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let row_tiles = (params.rows + TILE - 1u) / TILE;
  let column_tiles = (params.columns + TILE - 1u) / TILE;
  let index = workgroup_index(id, count);
  if (index >= SPLITS * params.batches * row_tiles * column_tiles) {
    return;
  }
  let column = TILE * (index % column_tiles);
  let row_tile = index / column_tiles;
  let row = TILE * (row_tile % row_tiles);
  let slice_batch = row_tile / row_tiles;  // (SPLITS, batches)
  let batch = slice_batch % params.batches;
  let share = params.depth / SPLITS;
  let begin = slice_batch / params.batches * share;
  let end = begin + share;
  let tx = local % SIDE;
  let ty = local / SIDE;

  // sumRC: 4 rows (its columns) and 4 columns; where THREAD is 8, the second of each half a tile further.
  var sum00 = mat4x4f();
  var sum01 = mat4x4f();
  var sum10 = mat4x4f();
  var sum11 = mat4x4f();
  var first = mat4x4f();
  var second = mat4x4f();
  for (var start = begin; start < end + DEPTH; start += DEPTH) {
    if (start < end) {
      first = fetched(local, batch, row, column, start);
      if (THREADS == BLOCKS) {
        second = fetched(local + BLOCKS, batch, row, column, start);
      }
    }
    // The piece before: its products are taken while the loads are under way.
    if (start > begin) {
      for (var k = 0u; k < DEPTH; k += 1u) {
        let x_at = k * WIDE;
        let w_at = (DEPTH + k) * WIDE;
        let x0 = pieces[x_at + twisted(ty, k)];
        let w0 = pieces[w_at + twisted(tx, k)];
        add_products(&sum00, x0, w0);
        if (THREAD > 4u) {
          let x1 = pieces[x_at + twisted(ty + SIDE, k)];
          let w1 = pieces[w_at + twisted(tx + SIDE, k)];
          add_products(&sum01, x0, w1);
          add_products(&sum10, x1, w0);
          add_products(&sum11, x1, w1);
        }
      }
    }
    workgroupBarrier();
    if (start < end) {
      deposit(local, first);
      if (THREADS == BLOCKS) {
        deposit(local + BLOCKS, second);
      }
    }
    workgroupBarrier();
  }

  // A loop, so that the long `store` is compiled once.
  var sums = array(sum00, sum01, sum10, sum11);
  let quarters = select(4u, 1u, THREAD == 4u);
  for (var i = 0u; i < 4u * quarters; i += 1u) {
    let quarter = i / 4u;
    let y_row = row + 4u * (ty + SIDE * (quarter / 2u)) + i % 4u;
    let y_column = column + 4u * (tx + SIDE * (quarter % 2u));
    store4(slice_batch, y_row, y_column, sums[quarter][i % 4u]);
  }
}

// sums[row] += x[row] · w
fn add_products(sums: ptr<function, mat4x4f>, x: vec4f, w: vec4f) {
  (*sums)[0] = fma(vec4f(x.x), w, (*sums)[0]);
  (*sums)[1] = fma(vec4f(x.y), w, (*sums)[1]);
  (*sums)[2] = fma(vec4f(x.z), w, (*sums)[2]);
  (*sums)[3] = fma(vec4f(x.w), w, (*sums)[3]);
}

// Where vector i of a depth lies: swapped about every four depths, so that neighbouring threads, which
// write blocks of neighbouring depths, meet different banks.
fn twisted(i: u32, k: u32) -> u32 {
  return i ^ (k / 4u * 2u);
}

// The block of a number in a piece: which four depths, and which four rows or columns. Neighbouring
// threads take what are neighbours in memory.
fn block_at(number: u32, by_depth: bool) -> vec2u {
  if (by_depth) {
    return vec2u(number % (DEPTH / 4u), number / (DEPTH / 4u));
  }
  return vec2u(number / WIDE, number % WIDE);
}

// A block of the piece from depth `start` on: 4 depths (its columns), of 4 rows of x or columns of W.
fn fetched(number: u32, batch: u32, row: u32, column: u32, start: u32) -> mat4x4f {
  if (number < BLOCKS) {
    let at = block_at(number, !X_TRANSPOSED);
    return x_block(batch, row + 4u * at.y, start + 4u * at.x);
  }
  let at = block_at(number - BLOCKS, TRANSPOSED);
  return weight_block(batch, column + 4u * at.y, start + 4u * at.x);
}

fn deposit(number: u32, block: mat4x4f) {
  let is_weight = number >= BLOCKS;
  let at = block_at(number % BLOCKS, select(!X_TRANSPOSED, TRANSPOSED, is_weight));
  let k = 4u * at.x;
  let to = (select(0u, DEPTH, is_weight) + k) * WIDE + twisted(at.y, k);
  pieces[to] = block[0];
  pieces[to + WIDE] = block[1];
  pieces[to + 2u * WIDE] = block[2];
  pieces[to + 3u * WIDE] = block[3];
}

// Rows past the edge repeat the last one; `store` drops them. Depths past the edge are 0.
fn x_block(batch: u32, row: u32, k: u32) -> mat4x4f {
  let last = params.rows - 1u;
  let pitch = params.x_pitch;
  if (X_TRANSPOSED) {
    let i = (batch * params.depth + k) * pitch + min(row, last);
    return by_depths(x4_at(i), x4_at(i + pitch), x4_at(i + 2u * pitch), x4_at(i + 3u * pitch), k);
  }
  let i = batch * params.rows;
  return by_rows(
    x4_at((i + min(row, last)) * pitch + k), x4_at((i + min(row + 1u, last)) * pitch + k),
    x4_at((i + min(row + 2u, last)) * pitch + k), x4_at((i + min(row + 3u, last)) * pitch + k), k);
}

// The same for columns.
fn weight_block(batch: u32, column: u32, k: u32) -> mat4x4f {
  let last = select(params.columns - 1u, 0xffffffffu, FULL);
  let pitch = params.pitch;
  let base = batch * params.weight_stride;
  if (TRANSPOSED) {
    let i = base + k;
    return by_rows(
      weight4_at(i + min(column, last) * pitch), weight4_at(i + min(column + 1u, last) * pitch),
      weight4_at(i + min(column + 2u, last) * pitch), weight4_at(i + min(column + 3u, last) * pitch), k);
  }
  let i = base + k * pitch + min(column, last);
  return by_depths(
    weight4_at(i), weight4_at(i + pitch), weight4_at(i + 2u * pitch), weight4_at(i + 3u * pitch), k);
}

fn by_rows(a: vec4f, b: vec4f, c: vec4f, d: vec4f, k: u32) -> mat4x4f {
  let block = transpose(mat4x4f(a, b, c, d));
  return by_depths(block[0], block[1], block[2], block[3], k);
}

fn by_depths(a: vec4f, b: vec4f, c: vec4f, d: vec4f, k: u32) -> mat4x4f {
  if (FULL) {
    return mat4x4f(a, b, c, d);
  }
  let inside = k + vec4u(0u, 1u, 2u, 3u) < vec4u(params.depth);
  return mat4x4f(
    select(vec4f(), a, inside.x), select(vec4f(), b, inside.y),
    select(vec4f(), c, inside.z), select(vec4f(), d, inside.w));
}
