package app.seldinger.core

import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow
import java.util.concurrent.CopyOnWriteArrayList

/** Tells of what changed, as a flow that loses nothing while it is collected. */
class ChangeFeed : ChangeObserver {
    private val listeners = CopyOnWriteArrayList<Channel<List<Change>>>()

    /** Every committed transaction from the moment of collecting on, in order. */
    val changes: Flow<List<Change>> =
        flow {
            val mine = Channel<List<Change>>(Channel.UNLIMITED)
            listeners += mine
            try {
                for (change in mine) emit(change)
            } finally {
                listeners -= mine
            }
        }

    /** Called by the core after each commit; never waits for who listens. */
    override fun changed(changes: List<Change>) {
        listeners.forEach { it.trySend(changes) }
    }
}
