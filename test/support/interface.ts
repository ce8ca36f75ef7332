// What the library's entries have, read from their types with TypeScript's own checker: every function,
// constructor and method with the places of its arguments, their options and elements. Node only.

import path from 'node:path';
import ts from 'typescript-6';
import { wrongValues } from './wrong-values.ts';

/** A place among the arguments: the number of one, then names of fields, and 0 for elements. */
export type Place = readonly (string | number)[];

/** A place, which of the wrong values are right there by their type, and which of our classes are. */
export interface Slot {
  readonly place: Place;
  readonly fits: readonly string[];
  readonly classes: readonly string[];
}

export interface Callable {
  /** `bleu`, `new Trainer`, `Gpu.from`, `model.forward`: as the tables of tests name it. */
  readonly name: string;
  readonly slots: readonly Slot[];
}

const root = path.resolve(import.meta.dirname, '../..');

/** Types that are not looked into: they are handed on as a whole. */
const whole = new Set([
  'Model',
  'Gpu',
  'Trainer',
  'Lora',
  'TunedLens',
  'Adapter',
  'Source',
  'Target',
  'Objective',
  'Optimizer',
]);

/** Elements of elements, and fields of fields, that are looked into. */
const deepest = 4;

/** Every callable of these entries (`src/index.node.ts`), by its name. */
export function callables(...entries: readonly string[]): Map<string, Callable> {
  const program = programOf(entries);
  const checker = program.getTypeChecker();
  const values = valueTypes(program, checker);
  const found = new Map<string, Callable>();

  const add = (name: string, signatures: readonly ts.Signature[]): void => {
    const slots = new Map<string, { place: Place; types: ts.Type[] }>();
    const visit = (type: ts.Type, place: Place): void => {
      const key = place.join('/');
      const slot = slots.get(key) ?? { place, types: [] };
      slot.types.push(type);
      slots.set(key, slot);
      if (place.length > deepest) return;
      for (const part of partsOf(type)) {
        if (checker.isArrayType(part)) {
          const [element] = checker.getTypeArguments(part as ts.TypeReference);
          if (element !== undefined) visit(element, [...place, 0]);
        } else if (isLookedInto(part)) {
          for (const field of checker.getPropertiesOfType(part)) {
            if (!isInternal(field) && isOurs(field))
              visit(checker.getTypeOfSymbol(field), [...place, field.name]);
          }
        }
      }
    };
    for (const signature of signatures) {
      signature.getParameters().forEach((parameter, index) => {
        const type = checker.getTypeOfSymbol(parameter);
        const { valueDeclaration: declared } = parameter;
        const isOptional =
          declared !== undefined &&
          ts.isParameter(declared) &&
          checker.isOptionalParameter(declared);
        visit(isOptional ? optional(type) : type, [index]);
      });
    }
    const list = [...slots.values()].map(({ place, types }): Slot => {
      const isRight = (value: ts.Type): boolean =>
        types.some((type) => checker.isTypeAssignableTo(value, type));
      const names = [...values].filter(([, type]) => isRight(type)).map(([value]) => value);
      const classes = types
        .flatMap(partsOf)
        .map(nameOf)
        .filter((one) => whole.has(one));
      return { place, fits: names, classes: [...new Set(classes)] };
    });
    found.set(name, { name, slots: list });
  };
  const optional = (type: ts.Type): ts.Type =>
    checker.getNullableType(type, ts.TypeFlags.Undefined);
  const partsOf = (type: ts.Type): readonly ts.Type[] => {
    const base = type.isTypeParameter() ? (type.getConstraint() ?? type) : type;
    return base.isUnion() ? base.types : [base];
  };
  const isLookedInto = (type: ts.Type): boolean => {
    const object = ts.TypeFlags.Object | ts.TypeFlags.Intersection;
    if ((type.flags & object) === 0 || type.getCallSignatures().length > 0) return false;
    const parts = type.isIntersection() ? type.types : [type];
    if (parts.some((part) => whole.has(nameOf(part)))) return false;
    return checker.getPropertiesOfType(type).some(isOurs);
  };
  const methods = (owner: string, type: ts.Type): void => {
    for (const field of checker.getPropertiesOfType(type)) {
      if (isInternal(field) || !isOurs(field)) continue;
      const signatures = checker.getTypeOfSymbol(field).getCallSignatures();
      if (signatures.length > 0) add(`${owner}.${field.name}`, signatures);
    }
  };

  for (const entry of entries) {
    const file = program.getSourceFile(path.join(root, entry));
    const module = file && checker.getSymbolAtLocation(file);
    if (module === undefined) throw new Error(`${entry} is no module`);
    for (const exported of checker.getExportsOfModule(module)) {
      const isAlias = (exported.flags & ts.SymbolFlags.Alias) !== 0;
      const symbol = isAlias ? checker.getAliasedSymbol(exported) : exported;
      const { name } = exported;
      const isType = (symbol.flags & (ts.SymbolFlags.Class | ts.SymbolFlags.Interface)) !== 0;
      if (symbol.valueDeclaration !== undefined) {
        const type = checker.getTypeOfSymbol(symbol);
        if (type.getCallSignatures().length > 0) add(name, type.getCallSignatures());
        const isPublic = !isTypeOnly(exported) && type.getConstructSignatures().some(isOpen);
        if (isPublic) add(`new ${name}`, type.getConstructSignatures());
        if (isType && !isTypeOnly(exported)) methods(name, type);
      }
      if (isType) methods(name.toLowerCase(), checker.getDeclaredTypeOfSymbol(symbol));
      if (name === 'Pipelines') {
        for (const task of checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol))) {
          const type = checker.getTypeOfSymbol(task);
          add(task.name, type.getCallSignatures());
          methods(task.name, type);
        }
      }
    }
  }
  return found;
}

function nameOf({ symbol }: ts.Type): string {
  return (symbol as ts.Symbol | undefined)?.name ?? '';
}

/** Whether a field is declared in this library, and has a name that callers can write. */
function isOurs({ name, declarations = [] }: ts.Symbol): boolean {
  if (name.startsWith('__')) return false;
  return declarations.some((one) => one.getSourceFile().fileName.startsWith(`${root}/src/`));
}

function isInternal(symbol: ts.Symbol): boolean {
  const { valueDeclaration: declaration } = symbol;
  if (
    declaration !== undefined &&
    ts.isPropertyDeclaration(declaration) &&
    ts.isPrivateIdentifier(declaration.name)
  )
    return true;
  if (
    declaration !== undefined &&
    ts.isMethodDeclaration(declaration) &&
    ts.isPrivateIdentifier(declaration.name)
  )
    return true;
  return symbol.getJsDocTags().some(({ name }) => name === 'internal');
}

/** Whether a class is exported for its type alone. */
function isTypeOnly(symbol: ts.Symbol): boolean {
  return (symbol.declarations ?? []).some(
    (one) => ts.isExportSpecifier(one) && (one.isTypeOnly || one.parent.parent.isTypeOnly),
  );
}

/** Whether callers may use a constructor. */
function isOpen(signature: ts.Signature): boolean {
  const { declaration } = signature;
  if (declaration === undefined || !ts.isConstructorDeclaration(declaration)) return true;
  return (ts.getCombinedModifierFlags(declaration) & ts.ModifierFlags.Private) === 0;
}

function programOf(entries: readonly string[]): ts.Program {
  const file = path.join(root, 'tsconfig.json');
  const config = ts.readConfigFile(file, (name) => ts.sys.readFile(name)).config as object;
  const files = [...entries, 'test/support/wrong-values.ts'];
  const only = { ...config, include: [], files };
  const { fileNames, options } = ts.parseJsonConfigFileContent(only, ts.sys, root);
  return ts.createProgram(fileNames, options);
}

/** The type of each wrong value. */
function valueTypes(program: ts.Program, checker: ts.TypeChecker): Map<string, ts.Type> {
  const types = new Map<string, ts.Type>();
  const file = program.getSourceFile(path.join(root, 'test/support/wrong-values.ts'));
  const visit = (node: ts.Node): void => {
    if (ts.isVariableDeclaration(node) && node.name.getText() === 'values') {
      for (const field of checker.getTypeAtLocation(node).getProperties()) {
        const [signature] = checker.getTypeOfSymbol(field).getCallSignatures();
        if (signature !== undefined) types.set(field.name, signature.getReturnType());
      }
    } else ts.forEachChild(node, visit);
  };
  if (file !== undefined) visit(file);
  if (types.size !== wrongValues.size) throw new Error('Not every wrong value has a type.');
  return types;
}
