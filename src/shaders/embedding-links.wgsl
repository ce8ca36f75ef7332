// Chains the tokens of each word, so that a gradient can be gathered without searching: links[t] is
// the last token before t with the same id, and links[tokens + id] the last token with that id.
struct Params {
  tokens: u32,
  vocabulary: u32,
}

const NONE = 0xffffffffu;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> ids: array<u32>;          // (tokens)
@group(0) @binding(2) var<storage, read_write> links: array<u32>;  // (tokens + vocabulary)

@compute @workgroup_size(64)
fn embedding_links(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.tokens + params.vocabulary) {
    return;
  }
  let is_token = i < params.tokens;
  let word = select(i - params.tokens, ids[min(i, params.tokens - 1u)], is_token);
  var found = NONE;
  for (var t = min(i, params.tokens); t > 0u && found == NONE; t -= 1u) {
    if (ids[t - 1u] == word) {
      found = t - 1u;
    }
  }
  links[i] = found;
}
