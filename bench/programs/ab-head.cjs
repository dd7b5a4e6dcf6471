const { RedshiftPgClient } = require('../../.cache/head/index.cjs')
const { aws, config, open } = require('./target.mjs')
open(new RedshiftPgClient({ ...config, user: 'IAM:alice', redshift: { aws } }))
