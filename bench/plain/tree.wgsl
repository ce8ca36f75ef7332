// Reductions over a workgroup of 64 as a tree in workgroup memory. Each begins with a barrier:
// results of the one before are read until then.
var<workgroup> values: array<f32, 64>;

fn sum_of(value: f32, local: u32) -> f32 {
  workgroupBarrier();
  values[local] = value;
  workgroupBarrier();
  for (var half = 32u; half > 0u; half /= 2u) {
    if (local < half) {
      values[local] += values[local + half];
    }
    workgroupBarrier();
  }
  return values[0];
}

fn max_of(value: f32, local: u32) -> f32 {
  workgroupBarrier();
  values[local] = value;
  workgroupBarrier();
  for (var half = 32u; half > 0u; half /= 2u) {
    if (local < half) {
      values[local] = max(values[local], values[local + half]);
    }
    workgroupBarrier();
  }
  return values[0];
}
