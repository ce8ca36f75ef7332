// The half of the keys: dk = Σ ds · q and dv = Σ p · do over the queries. Queries are taken 4 at a
// time; the gradients accumulate in dk and dv themselves.

@group(0) @binding(6) var<storage, read> delta: array<f32>;      // (batches, heads, queries)
@group(0) @binding(7) var<storage, read_write> dkv: array<f32>;  // (batches, keys, kv_pitch): dk and dv

@compute @workgroup_size(GROUP)
fn attention_backward_key(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = local % LANES;
  let index = row_of(workgroup_index(id, count), local);
  if (index >= params.batches * params.heads * params.keys) {
    return;
  }
  let key = index % params.keys;
  let head = index / params.keys % params.heads;
  let batch = index / params.keys / params.heads;
  let k0 = k_index(batch, key, head);
  let v0 = v_index(batch, key, head);
  for (var c = lane; c < params.head_size; c += LANES) {
    dkv[k0 + c] = 0.0;
    dkv[v0 + c] = 0.0;
  }
  let last = params.queries - 1u;
  var start = 0u;
  if (CAUSAL) {
    start = key;
  }
  for (; start < params.queries; start += 4u) {
    let rows = min(vec4u(start, start + 1u, start + 2u, start + 3u), vec4u(last));
    let q0 = q_index(batch, rows.x, head);
    let q1 = q_index(batch, rows.y, head);
    let q2 = q_index(batch, rows.z, head);
    let q3 = q_index(batch, rows.w, head);
    let y0 = y_index(batch, rows.x, head);
    let y1 = y_index(batch, rows.y, head);
    let y2 = y_index(batch, rows.z, head);
    let y3 = y_index(batch, rows.w, head);
    var scores = vec4f();
    var dp = vec4f();
    for (var c = lane; c < params.head_size; c += LANES) {
      scores += kv[k0 + c] * vec4f(q[q0 + c], q[q1 + c], q[q2 + c], q[q3 + c]);
      dp += kv[v0 + c] * vec4f(dy[y0 + c], dy[y1 + c], dy[y2 + c], dy[y3 + c]);
    }
    scores = sum4_over_row(scores, lane);
    dp = sum4_over_row(dp, lane);
    let at = (batch * params.heads + head) * params.queries + rows;
    let weights = vec4f(
      weight_of(scores.x, lse[at.x], sees(batch, rows.x, key)),
      weight_of(scores.y, lse[at.y], start + 1u <= last && sees(batch, rows.y, key)),
      weight_of(scores.z, lse[at.z], start + 2u <= last && sees(batch, rows.z, key)),
      weight_of(scores.w, lse[at.w], start + 3u <= last && sees(batch, rows.w, key)));
    let deltas = vec4f(delta[at.x], delta[at.y], delta[at.z], delta[at.w]);
    let ds = weights * (dp - deltas) * params.scale;
    for (var c = lane; c < params.head_size; c += LANES) {
      dkv[k0 + c] += dot(ds, vec4f(q[q0 + c], q[q1 + c], q[q2 + c], q[q3 + c]));
      dkv[v0 + c] += dot(weights, vec4f(dy[y0 + c], dy[y1 + c], dy[y2 + c], dy[y3 + c]));
    }
  }
}
