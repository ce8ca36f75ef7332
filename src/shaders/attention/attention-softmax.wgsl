// The online softmax of an invocation's own scores: matrices hold a row a query and a column a key.

// Turns products into scores; those of hidden keys are LOWEST.
fn hide(products: mat4x4f, batch: u32, head: u32, rows: vec4u, keys: vec4u) -> mat4x4f {
  let places = rows + place_of(batch, 0u);
  var result = products;
  for (var j = 0u; j < 4u; j += 1u) {
    let key = vec4u(keys[j]);
    let seen = vec4<bool>(is_key(batch, key.x)) & in_sight(places, key);
    result[j] = select(vec4f(LOWEST), scores_of(products[j], head, places, key), seen);
  }
  return result;
}

fn largest_of(scores: mat4x4f) -> vec4f {
  return max(max(scores[0], scores[1]), max(scores[2], scores[3]));
}

fn weights_of(scores: mat4x4f, largest: vec4f) -> mat4x4f {
  var weights = scores;
  for (var j = 0u; j < 4u; j += 1u) {
    weights[j] = select(vec4f(), exp(scores[j] - largest), scores[j] > vec4f(LOWEST));
  }
  return weights;
}

fn dropped(weights: mat4x4f, batch: u32, head: u32, rows: vec4u, keys: vec4u) -> mat4x4f {
  var result = weights;
  for (var j = 0u; j < 4u; j += 1u) {
    result[j] *= kept(batch, head, rows, vec4u(keys[j]));
  }
  return result;
}
