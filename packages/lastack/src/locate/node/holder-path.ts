/** A step from an object to what it holds. Names of properties come from the target, and may be data. */
export interface HolderStep {
  readonly kind: 'property' | 'index' | 'value' | 'key' | 'member';
  readonly name: string;
}

/**
 * The way from a variable to what it holds, as code would write it behind the variable's name: `.idle[17]`, `.get(…).sock`.
 * @param isName whether a property's name is one of the code; any other is not shown
 */
export function formatHolderPath(
  steps: readonly HolderStep[],
  isName: (name: string) => boolean,
): string {
  let path = '';
  for (const { kind, name } of steps) {
    switch (kind) {
      case 'index':
        path += `[${name}]`;
        break;
      case 'value':
        path += '.get(…)';
        break;
      case 'key':
        path += '.keys(…)';
        break;
      case 'member':
        path += '.values(…)';
        break;
      case 'property':
        // Behind a symbol that the code does not name is the inside of a class, which its user does not know.
        if (name.startsWith('[') && !isName(name.slice(1, -1))) return path;
        path += propertyText(name, isName);
        break;
      default:
        kind satisfies never;
    }
  }
  return path;
}

function propertyText(name: string, isName: (name: string) => boolean): string {
  // A symbol comes as its description in brackets.
  if (name.startsWith('[')) return name;
  // A private one counts by its name without the sign.
  return isName(name.replace(/^#/, '')) ? `.${name}` : '[…]';
}
