// What a product multiplies with W, four neighbours at a time, whatever the width of its result: (batches,
// rows, depth / 4).
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
