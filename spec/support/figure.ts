/** Prints what a spec has measured, above its title: the figures of docs/reliability.md are these lines. */
export const figure = (measured: string): void => console.log(`      → ${measured}`)
