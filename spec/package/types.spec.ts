import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import pg from 'pg'
import PgPool from 'pg-pool'
import ts from 'typescript'
import {
  type RedshiftCredentials,
  RedshiftPgClient,
  type RedshiftPgClientConfig,
  RedshiftPool,
  type RedshiftPoolConfig,
  redshiftPassword,
  redshiftPoolOptions,
} from '../../lib/index.js'

/*
 * The functions below are never run: the compiler must accept them without a cast. Code that must not compile follows
 * `@ts-expect-error`, which the compiler rejects if there is no error.
 */
const source = { host: 'x', database: 'dev' }

const accepted = {
  'RedshiftPgClient as the Client of a pool': (): pg.PoolConfig['Client'] => RedshiftPgClient,
  'RedshiftPgClient as a client of pg': (): pg.Client => new RedshiftPgClient(source),
  'RedshiftPgClient without a configuration, or with a connection string': (): pg.Client[] => [
    new RedshiftPgClient(),
    new RedshiftPgClient('postgres://x/dev'),
  ],
  'a subclass of RedshiftPgClient': () => {
    class Own extends RedshiftPgClient {
      readonly name: string
      constructor(config?: string | RedshiftPgClientConfig) {
        super(config)
        this.name = 'own'
      }
    }
    return new RedshiftPool({ ...source, Client: Own })
  },
  'RedshiftPool as a pool of pg': (): pg.Pool => new RedshiftPool(source),
  'both forms of connect() and end()': async (client: RedshiftPgClient, pool: RedshiftPool) => {
    await client.connect()
    client.connect((error: Error) => error.message)
    await client.end()
    client.end((error: Error) => error.message)
    const taken: pg.PoolClient = await pool.connect()
    pool.connect((error, given, done) => done(error ?? given))
    taken.release()
    await pool.end()
    pool.end(() => {})
  },
  'typed rows': async (pool: RedshiftPool): Promise<number[]> => {
    const { rows } = await pool.query<{ n: number }>('select 1 as n')
    return rows.map(({ n }) => n)
  },
  'redshiftPoolOptions() for a pool, a plain client and pg-pool': () => [
    new pg.Pool(redshiftPoolOptions(source)),
    new pg.Client(redshiftPoolOptions(source)),
    new PgPool(redshiftPoolOptions(source)),
    new PgPool({ ...source, password: redshiftPassword() }),
    new RedshiftPool(redshiftPoolOptions(source)),
  ],
  "the caller's Client, extended or from another copy of pg": (Client: new (config: pg.ClientConfig) => pg.Client) => [
    redshiftPoolOptions(source, { Client: pg.Client, max: 5, ssl: { ca: 'x' } }),
    redshiftPoolOptions(source, { Client: pg.native?.Client }),
    redshiftPoolOptions(source, { Client }),
    new RedshiftPool({ ...source, Client }),
    new RedshiftPool({ ...source, Client: undefined }),
  ],
  'credentials instead of options': (credentials: RedshiftCredentials) => [
    new RedshiftPool({ ...source, redshift: credentials }),
    new RedshiftPgClient({ ...source, redshift: credentials }),
    redshiftPoolOptions(credentials),
    redshiftPassword(credentials),
  ],
  'environment variables, which may be undefined': (env: NodeJS.ProcessEnv): RedshiftPoolConfig => ({
    host: env.HOST,
    database: env.DATABASE,
    redshift: { workgroupName: env.WORKGROUP, region: env.AWS_REGION, dbName: env.DATABASE ?? null },
  }),
}

const refused = {
  'an unknown option': () =>
    // @ts-expect-error there is no such name
    new RedshiftPool({ ...source, redshift: { cluster: 'x' } }),
  'a number as a name': () =>
    // @ts-expect-error a name is a string
    redshiftPoolOptions({ clusterIdentifier: 5 }),
  'a class that is not a client': () =>
    // @ts-expect-error it has no members of one
    new RedshiftPool({ ...source, Client: Date }),
}

describe('The types', () => {
  let messages: string[]
  before(() => {
    const file = fileURLToPath(import.meta.url)
    const root = fileURLToPath(new URL('../..', import.meta.url))
    const { config } = ts.readConfigFile(`${root}tsconfig.json`, path => ts.sys.readFile(path))
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root)
    const program = ts.createProgram([file], options)
    const source = program.getSourceFile(file)
    const diagnostics = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]
    messages = diagnostics.map(
      ({ start = 0, messageText }) =>
        `line ${(source?.getLineAndCharacterOfPosition(start).line ?? 0) + 1}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
    )
  })

  it('are compatible with those of pg and pg-pool without a cast, and reject mistakes', () => {
    expect(messages).to.deep.equal([])
    expect(Object.keys({ ...accepted, ...refused })).to.have.length(14)
  })
})
