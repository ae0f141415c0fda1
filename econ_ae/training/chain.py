"""The chain that is trained: encoder, link, decoder, loss, and a teacher if there is one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from econ_ae.data.module_conditions import NONE, Conditions
from econ_ae.training.cluster_loss import ClusterTerm
from econ_ae.training.link import Link
from econ_ae.training.sample import SUMS, totals_of
from econ_ae.training.transport_losses import Loss, normalised


@dataclass(frozen=True)
class Chain:
    """Encoder, link and decoder, and what is minimised.

    Parameters
    ----------
    encoder, decoder : Keras models
    link : what happens to the latents between them
    sum_columns : which of ``sample.sum_features`` the decoder also gets
    loss : function of (true, predicted) fractions
    teacher : a trained chain; the loss is then ``(1 - share)`` times that of the true fractions and ``share`` times
        that of the teacher's output
    share : of the teacher
    conditions : of the decoder
    clusters : term that is added to the loss
    """

    encoder: Any
    decoder: Any
    link: Link
    sum_columns: tuple[int, ...]
    loss: Loss
    teacher: Chain | None = None
    share: float = 0.0
    conditions: Conditions = NONE
    clusters: ClusterTerm | None = None

    @property
    def variables(self) -> list[Any]:
        """All trainable variables."""
        return [*self.encoder.trainable_variables, *self.decoder.trainable_variables]

    def predict(self, images: Any, beside: Any, *, training: bool) -> Any:
        """Return the decoder's output for a batch; ``beside`` as in ``Sample``."""
        sent = self.link(self.encoder(images, training=training))
        known = [beside[:, column : column + 1] for column in self.sum_columns]
        received = tf.concat([sent, *known, beside[:, SUMS:]], axis=1)
        return self.decoder(received, training=training)

    def loss_of(self, images: Any, beside: Any, fractions: Any, *, training: bool) -> Any:
        """Return the loss of a batch.

        The teacher and the term of clusters count in training alone, so that validation losses compare.
        """
        predicted = self.predict(images, beside, training=training)
        loss = self.loss(fractions, predicted)
        if not training:
            return loss
        if self.teacher is not None:
            taught = tf.stop_gradient(normalised(self.teacher.predict(images, beside, training=False)))
            loss = (1 - self.share) * loss + self.share * self.loss(taught, predicted)
        if self.clusters is not None:
            loss += self.clusters(fractions, predicted, totals_of(beside[:, :1]))
        return loss
