// Chains the tokens of each word, so that a gradient can be gathered without searching: links[t] is
// the last token before t with the same id, and links[tokens + id] the last token with that id.
// The id of a token is the first of `stride` numbers it has, plus `offset`; 0 if that is beyond all words.
//
// An invocation looks after every CHAINS-th word alone and walks through the tokens once, from the first on.
struct Params {
  tokens: u32,
  vocabulary: u32,
  stride: u32,
  offset: u32,
}

const NONE = 0xffffffffu;
const CHAINS = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> ids: array<u32>;          // (tokens, stride)
@group(0) @binding(2) var<storage, read_write> links: array<u32>;  // (tokens + vocabulary)

@compute @workgroup_size(64)
fn embedding_links(@builtin(local_invocation_index) first: u32) {
  for (var word = first; word < params.vocabulary; word += CHAINS) {
    links[params.tokens + word] = NONE;
  }
  for (var token = 0u; token < params.tokens; token += 1u) {
    let named = ids[token * params.stride] + params.offset;
    let word = select(0u, named, named < params.vocabulary);
    if (word % CHAINS == first) {
      let place = params.tokens + word;
      links[token] = links[place];
      links[place] = token;
    }
  }
}
