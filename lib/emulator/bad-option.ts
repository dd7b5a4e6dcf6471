/** The error for an option of the emulator that cannot be used. It names the option, which a command line has under another name. */
export const badOption = (
  option: string,
  problem: string,
  Kind: TypeErrorConstructor | RangeErrorConstructor = TypeError,
): Error => Object.assign(new Kind(`${option}: ${problem}`), { option })
