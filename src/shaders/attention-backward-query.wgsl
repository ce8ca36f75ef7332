// The half of the queries: dq = Σ ds · k over the keys, and delta for the other half. Keys are taken
// 4 at a time; the gradient accumulates in dq itself.

@group(0) @binding(6) var<storage, read> y: array<f32>;             // (batches, queries, heads · head_size)
@group(0) @binding(7) var<storage, read_write> dq: array<f32>;      // (batches, queries, q_pitch)
@group(0) @binding(8) var<storage, read_write> delta: array<f32>;   // (batches, heads, queries)

@compute @workgroup_size(GROUP)
fn attention_backward_query(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = local % LANES;
  let index = row_of(workgroup_index(id, count), local);
  if (index >= params.batches * params.heads * params.queries) {
    return;
  }
  let row = index % params.queries;
  let head = index / params.queries % params.heads;
  let batch = index / params.queries / params.heads;
  let q0 = q_index(batch, row, head);
  let y0 = y_index(batch, row, head);

  var product = 0.0;
  for (var c = lane; c < params.head_size; c += LANES) {
    product += y[y0 + c] * dy[y0 + c];
    dq[q0 + c] = 0.0;
  }
  let own_delta = sum_over_row(product, lane);
  if (lane == 0u) {
    delta[index] = own_delta;
  }
  let log_sum = lse[index];
  var end = params.keys;
  if (CAUSAL) {
    end = min(end, row + 1u);
  }
  for (var start = 0u; start < end; start += 4u) {
    let keys = min(vec4u(start, start + 1u, start + 2u, start + 3u), vec4u(end - 1u));
    let k0 = k_index(batch, keys.x, head);
    let k1 = k_index(batch, keys.y, head);
    let k2 = k_index(batch, keys.z, head);
    let k3 = k_index(batch, keys.w, head);
    let v0 = v_index(batch, keys.x, head);
    let v1 = v_index(batch, keys.y, head);
    let v2 = v_index(batch, keys.z, head);
    let v3 = v_index(batch, keys.w, head);
    var scores = vec4f();
    var dp = vec4f();
    for (var c = lane; c < params.head_size; c += LANES) {
      scores += q[q0 + c] * vec4f(kv[k0 + c], kv[k1 + c], kv[k2 + c], kv[k3 + c]);
      dp += dy[y0 + c] * vec4f(kv[v0 + c], kv[v1 + c], kv[v2 + c], kv[v3 + c]);
    }
    scores = sum4_over_row(scores, lane);
    dp = sum4_over_row(dp, lane);
    let weights = vec4f(
      weight_of(scores.x, log_sum, sees(batch, row, keys.x)),
      weight_of(scores.y, log_sum, start + 1u < end && sees(batch, row, keys.y)),
      weight_of(scores.z, log_sum, start + 2u < end && sees(batch, row, keys.z)),
      weight_of(scores.w, log_sum, start + 3u < end && sees(batch, row, keys.w)));
    let ds = weights * (dp - own_delta) * params.scale;
    for (var c = lane; c < params.head_size; c += LANES) {
      dq[q0 + c] += dot(ds, vec4f(kv[k0 + c], kv[k1 + c], kv[k2 + c], kv[k3 + c]));
    }
  }
}
