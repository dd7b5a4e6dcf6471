/** As a user writes it, for a cluster or workgroup with its address in the environment. It prints the user that it logged in as. */
import { RedshiftPool } from 'pg-redshift-iam'

for (const target of [{ clusterIdentifier: 'examplecluster' }, { workgroupName: 'analytics' }]) {
  const pool = new RedshiftPool({ database: 'dev', redshift: target })
  console.log((await pool.query('select current_user')).rows[0].current_user)
  await pool.end()
}
