// What a product multiplies with W: (batches, rows, depth).
@group(0) @binding(2) var<storage, read> x: array<Element>;
