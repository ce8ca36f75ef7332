// Row kernels on GPUs: one workgroup a row, reductions as a tree in workgroup memory.
const GROUP = 64u;
const LANES = 64u;

// The row of an invocation, a number that all its lanes share.
fn row_of(workgroup: u32, local: u32) -> u32 {
  return workgroup;
}

var<workgroup> row_values: array<f32, LANES>;
var<workgroup> row_indices: array<u32, LANES>;

fn sum_over_row(value: f32, lane: u32) -> f32 {
  row_values[lane] = value;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (lane < half) {
      row_values[lane] += row_values[lane + half];
    }
    workgroupBarrier();
  }
  let sum = row_values[0];
  workgroupBarrier();
  return sum;
}

fn max_over_row(value: f32, lane: u32) -> f32 {
  row_values[lane] = value;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (lane < half) {
      row_values[lane] = max(row_values[lane], row_values[lane + half]);
    }
    workgroupBarrier();
  }
  let largest = row_values[0];
  workgroupBarrier();
  return largest;
}

fn min_index_over_row(value: u32, lane: u32) -> u32 {
  row_indices[lane] = value;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (lane < half) {
      row_indices[lane] = min(row_indices[lane], row_indices[lane + half]);
    }
    workgroupBarrier();
  }
  let smallest = row_indices[0];
  workgroupBarrier();
  return smallest;
}
