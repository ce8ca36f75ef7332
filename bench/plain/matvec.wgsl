// The usual product for few rows: a workgroup of 64 a result, its invocations split the depth and
// add up as a tree in workgroup memory.
var<workgroup> parts: array<f32, 64>;

@compute @workgroup_size(64)
fn plain_matvec(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let result = workgroup_index(id, count);
  let column = result % params.columns;
  let row = result / params.columns % params.rows;
  let batch = result / params.columns / params.rows;
  let x0 = batch * params.x_batch + row * params.x_row;
  let w0 = batch * params.w_batch + column * params.w_column;

  var sum = 0.0;
  for (var k = local; k < params.depth; k += 64u) {
    sum += x[x0 + k] * weight_at(w0 + k * params.w_depth);
  }
  parts[local] = sum;
  workgroupBarrier();
  for (var half = 32u; half > 0u; half /= 2u) {
    if (local < half) {
      parts[local] += parts[local + half];
    }
    workgroupBarrier();
  }
  if (local == 0u && batch < params.batches) {
    y[batch * params.y_batch + row * params.y_row + column] = params.scale * parts[0];
  }
}
