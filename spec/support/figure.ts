/** Prints a spec's measurement above its title: these lines are the figures of docs/reliability.md. */
export const figure = (measured: string): void => console.log(`      → ${measured}`)
