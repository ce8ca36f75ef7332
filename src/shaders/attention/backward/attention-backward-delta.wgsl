// delta = Σ do · o over the columns of each query and head: what both halves of attention's gradient
// subtract (FlashAttention-2, arXiv 2307.08691, §3.1.2), beside log Σ exp(score), which they need with it.
// A sink is a key whose value is 0, so the gradient of its score is -p · delta, of every query. One
// invocation a query of one head.
struct Params {
  batches: u32,
  heads: u32,
  queries: u32,
  head_size: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> y: array<f32>;             // (batches, queries, heads · head_size)
@group(0) @binding(2) var<storage, read> dy: array<f32>;            // (batches, queries, heads · head_size)
@group(0) @binding(3) var<storage, read> lse: array<f32>;           // (batches, heads, queries)
@group(0) @binding(4) var<storage, read> sinks: array<f32>;         // (heads)
@group(0) @binding(5) var<storage, read_write> sums: array<vec2f>;  // (batches, heads, queries): lse, delta
@group(0) @binding(6) var<storage, read_write> dsinks: array<f32>;  // (batches, queries, heads)

@compute @workgroup_size(64)
fn attention_backward_delta(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = 64u * workgroup_index(id, count) + local;  // (batches, queries, heads), linear
  if (index >= params.batches * params.queries * params.heads) {
    return;
  }
  let head = index % params.heads;
  let row = index / params.heads % params.queries;
  let batch = index / params.heads / params.queries;
  let first = index * params.head_size;
  var sum = 0.0;
  for (var c = 0u; c < params.head_size; c += 1u) {
    sum += y[first + c] * dy[first + c];
  }
  let at = (batch * params.heads + head) * params.queries + row;
  sums[at] = vec2f(lse[at], sum);
  if (HAS_SINK) {
    dsinks[index] = -exp(min(sinks[head] - lse[at], 0.0)) * sum;
  }
}
