// The gradient of shares s = softmax(l), over all experts or, if AMONG_CHOSEN, over the chosen alone: dl[e] =
// s[e] · (ds[e] - Σ s · ds), the sum being over the chosen, and ds 0 for all others. One invocation an expert
// of a row.
struct Params {
  rows: u32,
  experts: u32,
  chosen: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;          // (rows, experts)
@group(0) @binding(2) var<storage, read> experts: array<u32>;         // (rows, chosen)
@group(0) @binding(3) var<storage, read> shares: array<f32>;          // (rows, chosen)
@group(0) @binding(4) var<storage, read> d_shares: array<f32>;        // (rows, chosen)
@group(0) @binding(5) var<storage, read_write> d_logits: array<f32>;  // (rows, experts)

@compute @workgroup_size(64)
fn route_tokens_backward(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.rows * params.experts) {
    return;
  }
  let row = i / params.experts;
  let first = row * params.chosen;
  var sum = 0.0;
  var own = 0.0;
  var share = 0.0;
  for (var slot = first; slot < first + params.chosen; slot += 1u) {
    sum += shares[slot] * d_shares[slot];
    if (experts[slot] == i % params.experts) {
      own = d_shares[slot];
      share = shares[slot];
    }
  }
  if (!AMONG_CHOSEN) {
    // That of any expert, by the first one's, whose logit is the largest.
    let largest = logits[row * params.experts + experts[first]];
    share = shares[first] * exp(logits[i] - largest);
  }
  d_logits[i] = share * (own - sum);
}
