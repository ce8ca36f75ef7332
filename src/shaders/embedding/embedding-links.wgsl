// Chains the tokens of each word, so that a gradient can be gathered without searching: links[t] is
// the last token before t with the same id, and links[tokens + id] the last token with that id.
// The id of a token is the first of `stride` numbers it has, plus `offset`.
struct Params {
  tokens: u32,
  vocabulary: u32,
  stride: u32,
  offset: u32,
}

const NONE = 0xffffffffu;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> ids: array<u32>;          // (tokens, stride)
@group(0) @binding(2) var<storage, read_write> links: array<u32>;  // (tokens + vocabulary)

fn id_of(token: u32) -> u32 {
  return ids[token * params.stride] + params.offset;
}

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
  let word = select(i - params.tokens, id_of(min(i, params.tokens - 1u)), is_token);
  var found = NONE;
  for (var t = min(i, params.tokens); t > 0u && found == NONE; t -= 1u) {
    if (id_of(t - 1u) == word) {
      found = t - 1u;
    }
  }
  links[i] = found;
}
