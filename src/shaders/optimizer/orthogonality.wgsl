// gradient += weight · 2 (PPᵀ - I) P / ‖PPᵀ - I‖, the slope of weight · ‖PPᵀ - I‖ (Frobenius). One invocation
// an element; every workgroup sums up the norm for itself.
struct Params {
  vectors: u32,
  length: u32,
  pitch: u32,  // between vectors
  step: u32,   // between elements of one
  weight: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> residual: array<f32>;        // (vectors, vectors), PPᵀ - I
@group(0) @binding(2) var<storage, read> parameter: array<f32>;       // (vectors, length), or its transpose
@group(0) @binding(3) var<storage, read_write> gradient: array<f32>;  // the same

var<workgroup> sums: array<f32, 64>;

@compute @workgroup_size(64)
fn orthogonality(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  var squares = 0.0;
  for (var i = local; i < params.vectors * params.vectors; i += 64u) {
    squares += residual[i] * residual[i];
  }
  sums[local] = squares;
  workgroupBarrier();
  for (var half = 32u; half > 0u; half /= 2u) {
    if (local < half) {
      sums[local] += sums[local + half];
    }
    workgroupBarrier();
  }
  let norm = sqrt(sums[0]);
  let at = 64u * workgroup_index(id, count) + local;
  if (at >= params.vectors * params.length || norm == 0.0) {
    return;
  }
  let vector = at / params.length;
  let place = at % params.length * params.step;
  var slope = 0.0;
  for (var other = 0u; other < params.vectors; other += 1u) {
    slope += residual[vector * params.vectors + other] * parameter[other * params.pitch + place];
  }
  gradient[vector * params.pitch + place] += 2.0 * params.weight * slope / norm;
}
