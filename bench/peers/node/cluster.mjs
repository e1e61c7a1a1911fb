// node cluster.mjs <peer.mjs>: WORKERS processes that share PORT; one is no cluster.
import cluster from 'node:cluster'

const workers = Number(process.env.WORKERS ?? 1)
if (cluster.isPrimary && workers > 1) {
  for (let i = 0; i < workers; i++) cluster.fork()
} else {
  await import('./' + process.argv[2])
}
