/** The error for an invalid option. Its field `option` lets the command line name its flag instead. */
export const badOption = (
  option: string,
  problem: string,
  Kind: TypeErrorConstructor | RangeErrorConstructor = TypeError,
): Error => Object.assign(new Kind(`${option}: ${problem}`), { option })
