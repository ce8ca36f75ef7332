// Row kernels on GPUs with subgroups: one workgroup a row. Each subgroup reduces the values of its lanes,
// then what all subgroups found. They may be of any size, and of any lanes: they count themselves.
const GROUP = 64u;
const LANES = 64u;

// The row of an invocation, a number that all its lanes share.
fn row_of(workgroup: u32, local: u32) -> u32 {
  return workgroup;
}

// Each reduction begins with a barrier: results of the one before are read until then.
var<workgroup> row_values: array<f32, LANES>;
var<workgroup> row_vectors: array<vec4f, LANES>;
var<workgroup> row_indices: array<u32, LANES>;

// The place of a lane among those of its subgroup, and their number.
struct Rank {
  place: u32,
  size: u32,
}

fn rank_in_subgroup() -> Rank {
  return Rank(subgroupExclusiveAdd(1u), subgroupAdd(1u));
}

fn sum_over_row(value: f32, lane: u32) -> f32 {
  let rank = rank_in_subgroup();
  let sum = subgroupAdd(value);
  workgroupBarrier();
  row_values[lane] = select(0.0, sum, rank.place == 0u);
  workgroupBarrier();
  var all = 0.0;
  for (var i = rank.place; i < LANES; i += rank.size) {
    all += row_values[i];
  }
  return subgroupAdd(all);
}

fn max_over_row(value: f32, lane: u32) -> f32 {
  let rank = rank_in_subgroup();
  let largest = subgroupMax(value);
  workgroupBarrier();
  row_values[lane] = largest;
  workgroupBarrier();
  var all = largest;
  for (var i = rank.place; i < LANES; i += rank.size) {
    all = max(all, row_values[i]);
  }
  return subgroupMax(all);
}

fn min_index_over_row(value: u32, lane: u32) -> u32 {
  let rank = rank_in_subgroup();
  let least = subgroupMin(value);
  workgroupBarrier();
  row_indices[lane] = least;
  workgroupBarrier();
  var all = least;
  for (var i = rank.place; i < LANES; i += rank.size) {
    all = min(all, row_indices[i]);
  }
  return subgroupMin(all);
}

fn sum4_over_row(value: vec4f, lane: u32) -> vec4f {
  let rank = rank_in_subgroup();
  let sum = subgroupAdd(value);
  workgroupBarrier();
  row_vectors[lane] = select(vec4f(), sum, rank.place == 0u);
  workgroupBarrier();
  var all = vec4f();
  for (var i = rank.place; i < LANES; i += rank.size) {
    all += row_vectors[i];
  }
  return subgroupAdd(all);
}
