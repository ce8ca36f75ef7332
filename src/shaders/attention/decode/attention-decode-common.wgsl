// Where attention of one query a sequence finds its data: the keys and values of its tokens lie in slots
// of a cache, and `table` names them in order (a block table as in PagedAttention, Kwon et al. 2023,
// arXiv 2309.06180, §4.1, with blocks of one token). Sequences may share slots. The new token's place in
// the table is data, so that one list serves all steps; it joins the cache here when APPENDS, else has
// joined before. When not CAUSAL the query sees all of the table: cross-attention.
// Where SPLIT, the keys there are of a row are shared among `parts`, each of which leaves its sum of values
// with the largest score and the sum of weights behind it, for attention-merge: "Flash-Decoding", Dao et
// al. 2023. An empty table costs nothing either way.
struct Params {
  batches: u32,
  heads: u32,
  capacity: u32,
  head_size: u32,
  q_pitch: u32,
  q_start: u32,
  k_start: u32,
  v_start: u32,
  group: u32,
  scale: f32,
  softcap: f32,
  window: u32,
  reach: u32,
  parts: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> q: array<f32>;            // (batches, 1, q_pitch): q, and k, v
@group(0) @binding(2) var<storage, read> place: array<u32>;        // (batches, 1, 2): position, place
@group(0) @binding(3) var<storage, read> table: array<u32>;        // (batches, capacity), HIDDEN = padding
@group(0) @binding(4) var<storage, read> bias: array<f32>;         // see attention-score
@group(0) @binding(6) var<storage, read_write> y: array<f32>;      // see `place_in_y`
@group(0) @binding(7) var<storage, read_write> spill: array<u32>;  // (1), see half-pair

const HIDDEN = 0xffffffffu;

fn place_of(batch: u32) -> u32 {
  if (CAUSAL) {
    return min(place[2u * batch + 1u], params.capacity - 1u);
  }
  return params.capacity - 1u;
}

// Keys before this one are out of the window.
fn key_begin(batch: u32) -> u32 {
  let end = place_of(batch) + 1u;
  return select(0u, end - params.window, WINDOWED && end > params.window);
}

// Keys in the cache, without a new one.
fn key_end(batch: u32) -> u32 {
  return place_of(batch) + select(1u, 0u, APPENDS);
}

// Keys of a part: those from `begin` to before `end`.
struct Share {
  begin: u32,
  end: u32,
}

// Keys of a part are whole blocks, as far as there are so many.
const BLOCK = 64u;

// An equal share of the keys in the cache.
fn share_of(batch: u32, part: u32) -> Share {
  let begin = key_begin(batch);
  let end = key_end(batch);
  if (!SPLIT) {
    return Share(begin, end);
  }
  let keys = max(begin, end) - begin;
  let each = (keys + params.parts * BLOCK - 1u) / (params.parts * BLOCK) * BLOCK;
  return Share(begin + part * each, min(end, begin + (part + 1u) * each));
}

// Where a row's output begins in (batches, 1, heads · head_size); or that of a part, where SPLIT, in
// (batches, heads, parts, head_size + 2).
fn place_in_y(row: u32, part: u32) -> u32 {
  return select(row * params.head_size, (row * params.parts + part) * (params.head_size + 2u), SPLIT);
}

fn slot_of_key(batch: u32, key: u32) -> u32 {
  return table[batch * params.capacity + key];
}

fn is_key(batch: u32, key: u32) -> bool {
  return slot_of_key(batch, key) != HIDDEN;
}

// Columns of the keys of a slot; as many of the values follow.
fn key_width() -> u32 {
  return params.heads / params.group * params.head_size;
}

fn k_index(batch: u32, key: u32, head: u32) -> u32 {
  let slot = slot_of_key(batch, key);
  return 2u * key_width() * select(slot, 0u, slot == HIDDEN) + head / params.group * params.head_size;
}

fn scores_of_keys(products: vec4f, batch: u32, head: u32, keys: vec4u) -> vec4f {
  return scores_of(products, head, vec4u(place_of(batch)), keys);
}

fn score_of_itself(product: f32, batch: u32, head: u32) -> f32 {
  return scores_of_keys(vec4f(product), batch, head, vec4u(place_of(batch))).x;
}

fn new_k(batch: u32, head: u32, c: u32) -> f32 {
  return q[batch * params.q_pitch + params.k_start + head / params.group * params.head_size + c];
}

fn new_v(batch: u32, head: u32, c: u32) -> f32 {
  return q[batch * params.q_pitch + params.v_start + head / params.group * params.head_size + c];
}

// The online softmax so far: its largest score, and the sum of exp(score - largest).
struct RowSums {
  largest: f32,
  total: f32,
}

// A part has seen nothing; or the first, when APPENDS, the new token itself, which joins the cache here.
// The first of the heads that share a key writes it.
fn begin_row(batch: u32, head: u32, part: u32, q0: u32, y0: u32, lane: u32) -> RowSums {
  // Of a sink the first part knows.
  var begun = RowSums(LOWEST, 0.0);
  if (part == 0u) {
    begun = RowSums(score_of_sink(head), weight_of_sink());
  }
  if (!APPENDS || part > 0u) {
    for (var c = lane; c < params.head_size; c += LANES) {
      y[y0 + c] = 0.0;
    }
    return begun;
  }
  let key = place_of(batch);
  let joins = head % params.group == 0u && is_key(batch, key);
  let to = k_index(batch, key, head);
  let width = key_width();
  var product = 0.0;
  for (var c = lane; c < params.head_size; c += LANES) {
    let new_key = new_k(batch, head, c);
    let new_value = new_v(batch, head, c);
    product += q[q0 + c] * new_key;
    y[y0 + c] = new_value;
    if (joins) {
      put_in_cache(to + c, new_key, new_k(batch, head, c + 1u));
      put_in_cache(to + width + c, new_value, new_v(batch, head, c + 1u));
    }
  }
  let score = score_of_itself(sum_over_row(product, lane), batch, head);
  if (HAS_SINK) {
    let largest = max(score, begun.largest);
    let own = exp(score - largest);
    for (var c = lane; c < params.head_size; c += LANES) {
      y[y0 + c] *= own;
    }
    return RowSums(largest, own + exp(begun.largest - largest));
  }
  return RowSums(score, 1.0);
}

// A row whose keys are all masked has no sum; its output is 0.
fn end_row(y0: u32, largest: f32, total: f32, lane: u32) {
  if (SPLIT) {
    if (lane == 0u) {
      y[y0 + params.head_size] = largest;
      y[y0 + params.head_size + 1u] = total;
    }
    return;
  }
  let scale = select(0.0, 1.0 / max(total, 1.0e-37), total > 0.0);
  for (var c = lane; c < params.head_size; c += LANES) {
    y[y0 + c] *= scale;
  }
}
