/** Tries every use of user and password as a pair on `pg.native`, and prints each result. */
import pg from 'pg'
import { RedshiftPgClient, RedshiftPool, redshiftPoolOptions } from 'pg-redshift-iam'

const source = { host: 'analytics.123456789012.us-west-2.redshift-serverless.amazonaws.com', database: 'dev' }
const code = (error: unknown) => (error instanceof Error && 'code' in error ? error.code : String(error))

async function outcomes(): Promise<unknown[]> {
  const native = pg.native
  if (!native) return ['no pg.native']
  // Without the variable, only the pool with this option is native.
  const pools = [new native.Pool(redshiftPoolOptions(source, { Client: native.Client }))]
  const clients: pg.Client[] = []
  if (process.env.NODE_PG_FORCE_NATIVE) {
    pools.push(new RedshiftPool(source), new pg.Pool(redshiftPoolOptions(source)))
    clients.push(new RedshiftPgClient(source))
  }
  const seen = await Promise.all([
    ...pools.map(pool => pool.query('select 1').catch(code)),
    ...clients.map(client => client.connect().catch(code)),
  ])
  await Promise.all([...pools, ...clients].map(it => it.end()))
  return [...seen, ...pools.map(pool => pool.totalCount)]
}

outcomes().then(seen => console.log(JSON.stringify(seen)))
