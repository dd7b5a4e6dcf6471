// What a RedshiftPool makes its connections with, in CommonJS.
const { RedshiftPgClient } = require('../../.cache/bench/dist/index.js')
const { aws, config, opened } = require('./target.mjs')

async function main() {
  const client = new RedshiftPgClient({ ...config, user: 'IAM:alice', redshift: { aws } })
  await client.connect()
  opened()
  await client.end()
}
main()
