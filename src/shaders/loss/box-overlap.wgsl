// Boxes by centre, width and height, and how much two of them overlap: "Generalized Intersection over Union"
// (Rezatofighi et al., 2019, arXiv 1902.09630, Algorithm 1), from -1, far apart, to 1, the same.

// Left, top, right, bottom.
fn corners(box: vec4f) -> vec4f {
  return vec4f(box.xy - 0.5 * box.zw, box.xy + 0.5 * box.zw);
}

struct Overlap {
  both: vec2f,    // width and height of what they share, 0 or less where that is nothing
  around: vec2f,  // those of the smallest box around them
  inside: f32,    // areas: of what they share, of the two together, of the box around them
  united: f32,
  whole: f32,
}

fn overlap_of(a: vec4f, b: vec4f) -> Overlap {
  let both = min(a.zw, b.zw) - max(a.xy, b.xy);
  let around = max(a.zw, b.zw) - min(a.xy, b.xy);
  let inner = max(both, vec2f());
  let inside = inner.x * inner.y;
  let areas = (a.z - a.x) * (a.w - a.y) + (b.z - b.x) * (b.w - b.y);
  return Overlap(both, around, inside, areas - inside, around.x * around.y);
}

fn generalized_overlap(a: vec4f, b: vec4f) -> f32 {
  let found = overlap_of(corners(a), corners(b));
  return found.inside / found.united - (found.whole - found.united) / found.whole;
}
