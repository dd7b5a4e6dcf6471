// Fetch, then connect, in CommonJS.
const { GetClusterCredentialsCommand, RedshiftClient } = require('@aws-sdk/client-redshift')
const pg = require('pg')
const { aws, config, opened } = require('./target.mjs')

async function main() {
  const redshift = new RedshiftClient({ region: 'us-west-2', ...aws })
  const { DbUser, DbPassword } = await redshift.send(
    new GetClusterCredentialsCommand({ ClusterIdentifier: 'examplecluster', DbUser: 'alice', DbName: 'dev' }),
  )
  const client = new pg.Client({ ...config, user: DbUser, password: DbPassword })
  await client.connect()
  opened()
  redshift.destroy()
  await client.end()
}
main()
