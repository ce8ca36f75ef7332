// x·Wᵀ with at most ROWS rows, for GPUs: a workgroup computes 4 columns of all rows, so that W is
// read once. Its 64 threads split the depth, two neighbours each, and add up in a tree.

const THREADS = 64u;

var<workgroup> partial: array<vec4f, THREADS>;

@compute @workgroup_size(THREADS)
fn matmul_skinny(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let column_tiles = (params.columns + 3u) / 4u;
  let tile = workgroup_index(id, count);
  if (tile >= params.batches * column_tiles) {
    return;
  }
  let column = 4u * (tile % column_tiles);
  let batch = tile / column_tiles;
  let last = params.columns - 1u;
  let base = batch * params.weight_stride;
  let w0 = base + column * params.pitch;
  let w1 = base + min(column + 1u, last) * params.pitch;
  let w2 = base + min(column + 2u, last) * params.pitch;
  let w3 = base + min(column + 3u, last) * params.pitch;

  var sums: array<vec4f, ROWS>;
  for (var k = 2u * local; k < params.depth; k += 2u * THREADS) {
    let w = transpose(mat4x2f(
      weight2_at(w0 + k), weight2_at(w1 + k), weight2_at(w2 + k), weight2_at(w3 + k)));
    let has_next = k + 1u < params.depth;
    for (var row = 0u; row < ROWS; row += 1u) {
      let at = (batch * params.rows + min(row, params.rows - 1u)) * params.depth + k;
      sums[row] += w[0] * x[at];
      if (has_next) {
        sums[row] += w[1] * x[at + 1u];
      }
    }
  }
  for (var row = 0u; row < ROWS; row += 1u) {
    partial[local] = sums[row];
    workgroupBarrier();
    for (var half = THREADS / 2u; half > 0u; half /= 2u) {
      if (local < half) {
        partial[local] += partial[local + half];
      }
      workgroupBarrier();
    }
    if (local < 4u) {
      store(batch, row, column + local, partial[0][local]);
    }
    workgroupBarrier();
  }
}
