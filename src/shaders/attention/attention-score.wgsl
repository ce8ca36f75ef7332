// What becomes of q·k before the softmax, and which keys a query may see by their places. For kernels
// with `scale`, `softcap`, `window`, `reach` and `heads` among their params and `bias` bound.

// What products make of their bound: Gemma 2, arXiv 2408.00118, §2. The clamp changes nothing: tanh is 1
// from there on.
fn parts_of_softcap(products: vec4f) -> vec4f {
  return tanh(clamp(products * params.scale / params.softcap, vec4f(-15.0), vec4f(15.0)));
}

// The scores of four pairs of query and key. The bias depends on their distance alone, and not on
// how much it exceeds `reach`: (2 · reach + 1, heads), from the farthest key before a query on.
fn scores_of(products: vec4f, head: u32, queries: vec4u, keys: vec4u) -> vec4f {
  var scores = products * params.scale;
  if (SOFTCAP) {
    scores = params.softcap * parts_of_softcap(products);
  }
  if (HAS_BIAS) {
    let reach = vec4i(i32(params.reach));
    let distance = clamp(vec4i(keys) - vec4i(queries), -reach, reach);
    let at = vec4u(distance + reach) * params.heads + head;
    scores += vec4f(bias[at.x], bias[at.y], bias[at.z], bias[at.w]);
  }
  if (SLOPED) {
    // "Attention with Linear Biases", Press et al., 2022, arXiv 2108.12409, §3: (heads).
    scores += bias[head] * vec4f(vec4i(keys) - vec4i(queries));
  }
  return scores;
}

// Where the online softmax begins: a sink is a key without a value, (heads).
fn score_of_sink(head: u32) -> f32 {
  if (HAS_SINK) {
    return bias[head];
  }
  return LOWEST;
}

fn weight_of_sink() -> f32 {
  return select(0.0, 1.0, HAS_SINK);
}

// Whether the places of the queries let them see the keys.
fn in_sight(queries: vec4u, keys: vec4u) -> vec4<bool> {
  var seen = vec4<bool>(true);
  if (CAUSAL) {
    seen = keys <= queries;
  }
  if (WINDOWED) {
    // Where CAUSAL, the second half holds already.
    seen = seen & (keys + params.window > queries) & (keys < queries + params.window);
  }
  return seen;
}
