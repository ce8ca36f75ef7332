// Row kernels on GPUs: one workgroup a row, reductions as a tree in workgroup memory.
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

fn sum_over_row(value: f32, lane: u32) -> f32 {
  workgroupBarrier();
  row_values[lane] = value;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (lane < half) {
      row_values[lane] += row_values[lane + half];
    }
    workgroupBarrier();
  }
  return row_values[0];
}

fn max_over_row(value: f32, lane: u32) -> f32 {
  workgroupBarrier();
  row_values[lane] = value;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (lane < half) {
      row_values[lane] = max(row_values[lane], row_values[lane + half]);
    }
    workgroupBarrier();
  }
  return row_values[0];
}

fn min_index_over_row(value: u32, lane: u32) -> u32 {
  workgroupBarrier();
  row_indices[lane] = value;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (lane < half) {
      row_indices[lane] = min(row_indices[lane], row_indices[lane + half]);
    }
    workgroupBarrier();
  }
  return row_indices[0];
}

fn sum4_over_row(value: vec4f, lane: u32) -> vec4f {
  workgroupBarrier();
  row_vectors[lane] = value;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (lane < half) {
      row_vectors[lane] += row_vectors[lane + half];
    }
    workgroupBarrier();
  }
  return row_vectors[0];
}
