// Fetch, then connect.
import { GetClusterCredentialsCommand, RedshiftClient } from '@aws-sdk/client-redshift'
import pg from 'pg'
import { aws, config, opened } from './target.mjs'

const redshift = new RedshiftClient({ region: 'us-west-2', ...aws })
const { DbUser, DbPassword } = await redshift.send(
  new GetClusterCredentialsCommand({ ClusterIdentifier: 'examplecluster', DbUser: 'alice', DbName: 'dev' }),
)
const client = new pg.Client({ ...config, user: DbUser, password: DbPassword })
await client.connect()
opened()
redshift.destroy()
await client.end()
