/** The environment variables that affect a request. */
export type Environment = Readonly<Partial<Record<'PGHOST' | 'PGDATABASE' | 'PGUSER', string | undefined>>>

/**
 * Remembers which variables were read, so that a result can be reused until one of them changes. Reading `process.env` is slow, and most
 * requests need none of them.
 */
export class RecordedEnvironment implements Environment {
  /** A function, because a program may replace `process.env` with another object. */
  readonly #source: () => Environment
  readonly #read: [name: keyof Environment, value: string | undefined][] = []

  constructor(source: () => Environment) {
    this.#source = source
  }

  get PGHOST(): string | undefined {
    return this.#record('PGHOST')
  }

  get PGDATABASE(): string | undefined {
    return this.#record('PGDATABASE')
  }

  get PGUSER(): string | undefined {
    return this.#record('PGUSER')
  }

  /** Whether the variables that were read still have the same values. */
  isCurrent(): boolean {
    return this.#read.every(([name, value]) => this.#source()[name] === value)
  }

  #record(name: keyof Environment): string | undefined {
    const value = this.#source()[name]
    this.#read.push([name, value])
    return value
  }
}
