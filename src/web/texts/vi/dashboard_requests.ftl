### Lời xin phép của con.

requests-waiting = Đang chờ
requests-none = Không có lời xin phép nào đang chờ.
requests-answered = Đã trả lời trong tuần
requests-one-page = một trang thuộc nhóm “{ $group }”
requests-private = một trang
requests-wrong = { $what } (con nói là bị chặn nhầm)
requests-reason = Lý do
requests-reason-hint = { $name } sẽ đọc lý do này.
requests-no-reason = Không ghi
requests-own-words = Hoặc viết bằng lời của bạn
requests-preset-good = Con hỏi như vậy là tốt.
requests-preset-homework = Con làm xong bài rồi xem nhé.
requests-preset-not-now = Lúc này chưa được, mai con hỏi lại nhé.
requests-preset-not-age = Trang này để khi con lớn hơn.
requests-preset-talk = Tối nay mình nói chuyện về trang này nhé.
requests-once = Được, 15 phút
requests-hour = Được, 1 giờ
requests-today = Được, hôm nay
requests-always = Luôn được
requests-refuse = Không
requests-habit = Bạn đã nhiều lần đồng ý cho { $name } mở trang thuộc nhóm “{ $group }”. Có thể đổi nhóm này thành “nhắc nhở” hoặc “cho phép”.
requests-habit-link = Quy tắc của { $name }
